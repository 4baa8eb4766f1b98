-- PostgreSQL database dump
\connect north
COPY public."T" (a, b) FROM stdin;
1	Quenby
\.
\connect south
COPY public."T" (a, b) FROM stdin;
1	Vale
\.
-- PostgreSQL database dump complete
