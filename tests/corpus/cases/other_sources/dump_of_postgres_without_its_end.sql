-- PostgreSQL database dump
CREATE TABLE public."T" (
    a integer,
    b text
);
COPY public."T" (a, b) FROM stdin;
1	Quenby
2	Va