create table "people""; drop table x;--" (a text, b text);
create table T (a text primary key, b text);
insert into T values ('1', 'Quenby'), ('2', 'Vale');
