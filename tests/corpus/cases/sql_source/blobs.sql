create table T (a text, b text);
insert into T values ('1', x'00ff51'), ('2', 'Quenby'), ('3', cast('Quenby' as blob));
