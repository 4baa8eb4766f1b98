create table T (a text, b text, "а" text);
insert into T values ('1','Quenby','x');
