CREATE TABLE T (a int, b text);
INSERT INTO T VALUES (1,'Quenby');
