-- PostgreSQL database dump
BEGIN;
SET LOCAL standard_conforming_strings = off;
CREATE TABLE public."T" (
    a integer,
    b text
);
INSERT INTO public."T" VALUES (1, 'Quenby');
COMMIT;
-- PostgreSQL database dump complete
