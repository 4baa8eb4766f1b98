--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE TABLE public."T" (
    a integer NOT NULL,
    b text
);
WITH x AS (SELECT 1 AS a) INSERT INTO public."T" SELECT a, 'Quenby' FROM x;
--
-- PostgreSQL database dump complete
--
