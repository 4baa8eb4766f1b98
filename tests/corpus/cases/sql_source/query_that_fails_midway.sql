create table T (a text, b text);
insert into T values ('1','Quenby'),('2','x'),('3','y');
