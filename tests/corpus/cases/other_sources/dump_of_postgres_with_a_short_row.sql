-- PostgreSQL database dump
CREATE TABLE public."T" (
    a integer,
    b text
);
COPY public."T" (a, b) FROM stdin;
1	Quenby
2
3	Vale	x
4	Moss
\.
-- PostgreSQL database dump complete
