create table "dbo.T" (a text, b text);
insert into "dbo.T" values ('1', 'Quenby');
create table T (a text, b text);
insert into T values ('2', 'Vale');
