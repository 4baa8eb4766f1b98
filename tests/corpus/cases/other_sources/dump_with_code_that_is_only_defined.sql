--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE TABLE public."T" (
    a integer NOT NULL,
    b text
);
CREATE FUNCTION public.f() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO public."T" VALUES (8, 'Quenby'); DELETE FROM public."T"; END;
INSERT INTO public."T" VALUES (1, 'Vale');
CREATE TRIGGER t BEFORE DELETE ON public."T" FOR EACH ROW EXECUTE FUNCTION public.f();
--
-- PostgreSQL database dump complete
--
