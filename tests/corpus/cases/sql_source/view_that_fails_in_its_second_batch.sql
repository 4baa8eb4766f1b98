create table T (a integer primary key, b text);
insert into T with recursive n(i) as (select 1 union all select i + 1 from n where i < 50002) select i, 'Quenby' from n;
create view V as select a, case when a > 50001 then abs(-9223372036854775807 - 1) else b end as b from T;
