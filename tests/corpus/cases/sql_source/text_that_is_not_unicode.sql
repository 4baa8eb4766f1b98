create table T (a text, b text);
insert into T values ('1', cast(x'4aff' as text)), ('2', 'Quenby');
