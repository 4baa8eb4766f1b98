-- PostgreSQL database dump
SET search_path = public, pg_catalog;
COPY "T" (a, b) FROM stdin;
1	Quenby
\.
SET search_path = south, pg_catalog;
COPY "T" (a, b) FROM stdin;
1	Vale
\.
-- PostgreSQL database dump complete
