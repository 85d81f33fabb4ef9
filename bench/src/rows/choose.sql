declare
    kept text;
    me text;
begin
    if current_query() !~* '\mlimit\M' then
        return 'array';
    end if;
    -- Postgres would keep the plan of whoever came first. Where the statement has parameters, one that is said to cost very much is not kept.
    kept := (
        select case when p.parameter_types = '{}' then 'always' else 'if it is cheap' end from pg_prepared_statement() p
        where p.statement = current_query() and (p.parameter_types = '{}' or p.custom_plans = 5)
        limit 1
    );
    if kept = 'always' then
        perform forget();
    elsif kept = 'if it is cheap' then
        return 'exists';
    end if;
    me := auth.user_id();
    if exists (select from project_member where user_id = me offset 399) then
        return 'exists';
    elsif exists (select from project_member where user_id = me offset 99) then
        return 'hash';
    end if;
    return 'array';
end
