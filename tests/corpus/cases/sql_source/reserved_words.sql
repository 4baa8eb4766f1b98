create table T (a text, b text, "select" text, "group by" text, "x""y" text);
insert into T values ('1','Quenby','s','g','q');
