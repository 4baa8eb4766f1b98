create table T (a); drop table T;
