create table "people""; drop table x;--" (a text, b text);
insert into "people""; drop table x;--" values ('1','Quenby');
