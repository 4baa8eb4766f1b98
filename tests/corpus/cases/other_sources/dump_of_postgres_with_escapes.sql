-- PostgreSQL database dump
SET standard_conforming_strings = off;
CREATE TABLE public."T" (
    a integer,
    b text
);
INSERT INTO public."T" VALUES (1, 'O\'Quenby');
INSERT INTO public."T" VALUES (2, 'Vale\\');
INSERT INTO public."T" VALUES (3, 'Mo\163s');
-- PostgreSQL database dump complete
