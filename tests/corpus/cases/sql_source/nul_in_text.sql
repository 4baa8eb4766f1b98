create table T (a text, b text);
insert into T values ('1', 'Q' || char(0) || 'uenby'), ('2', 'Quenby');
