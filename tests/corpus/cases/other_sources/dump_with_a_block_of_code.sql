--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE TABLE public."T" (
    a integer NOT NULL,
    b text
);
INSERT INTO public."T" VALUES (1, 'Vale');
DO $$ BEGIN INSERT INTO public."T" VALUES (2, 'Quenby'); END $$;
--
-- PostgreSQL database dump complete
--
