-- The decision in SQL: the same rules as the engine's (docs/semantics.md), evaluated upward from the resource.
--
-- A value is 0 (false), 1 (unknown) or 2 (true). An expression is a JSON value:
--   0, 1, 2                      that value
--   {"goal": KEY, "most": 1|2}   the smaller of `most` and the value of the goal
--   {"or": […]}, {"and": […]}    the largest, the smallest; of nothing 0 and 2
-- A goal is `type|relation|id`: does the subject have the relation to the resource? Types and relations contain no `|`.
-- `rowgate.settle` finds all goals that an expression leads to and then their least fixpoint, from 0 upward.

-- The value of an expression. `settled` has the goals whose value is not 0.
create function rowgate.value(expression jsonb, settled jsonb) returns integer
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    part     jsonb;
    smallest integer := 2;
    largest  integer := 0;
    one      integer;
begin
    if jsonb_typeof(expression) = 'number' then
        return expression::integer;
    elsif expression ? 'goal' then
        return least((expression -> 'most')::integer, coalesce((settled -> (expression ->> 'goal'))::integer, 0));
    elsif expression ? 'or' then
        for part in select jsonb_array_elements(expression -> 'or') loop
            one := rowgate.value(part, settled);
            largest := greatest(largest, one);
            exit when largest = 2;
        end loop;
        return largest;
    end if;
    for part in select jsonb_array_elements(expression -> 'and') loop
        one := rowgate.value(part, settled);
        smallest := least(smallest, one);
        exit when smallest = 0;
    end loop;
    return smallest;
end $$;

-- `who`: the subject as a JSON array of type, id and relation. `bound`: whether the environment has bindings.
create function rowgate.rule_expression(
    environment integer, rule jsonb, type text, id text, who jsonb, bound boolean, depth integer
) returns jsonb
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    asked text := rule ->> 'inherit_if';
    edge  text := rule ->> 'with_relation';
    other text := rule ->> 'of_type';
    parts jsonb;
begin
    if rule ? 'rules' then
        select coalesce(jsonb_agg(rowgate.rule_expression($1, part, $3, $4, $5, $6, $7)), '[]') into parts
            from jsonb_array_elements(rule -> 'rules') part;
        return case asked
            when 'any_of' then jsonb_build_object('or', parts)
            when 'all_of' then jsonb_build_object('and', parts)
            -- What is negated is settled first, on its own: no schema lets it depend on what it is a part of.
            else to_jsonb(2 - rowgate.settle($1, jsonb_build_object('or', parts), $5, $6, $7 + 1)) end;
    elsif edge is not null then
        if bound and rowgate.is_bound($1, $3, edge) then
            select jsonb_agg(jsonb_build_object('goal', concat_ws('|', other, asked, e.subject_id), 'most', 2)) into parts
                from rowgate.bound_edges($1, $3, $4, edge) e
                where e.subject_type = other and coalesce(e.subject_relation, '') = '' and e.subject_id <> '*';
        else
            select jsonb_agg(jsonb_build_object(
                    'goal', concat_ws('|', other, asked, w.subject_id),
                    'most', case when w.policy_hash = ''::bytea then 2 else 1 end)) into parts
                from rowgate.warrant w
                where w.environment = $1 and w.resource_type = $3 and w.resource_id = $4 and w.relation = edge
                    and w.subject_type = other and w.subject_relation = '' and w.subject_id <> '*';
        end if;
        return jsonb_build_object('or', coalesce(parts, '[]'));
    elsif asked is not null then
        return jsonb_build_object('goal', concat_ws('|', type, asked, id), 'most', 2);
    end if;
    -- A policy, which is not evaluated here.
    return '1';
end $$;

-- What a goal's value follows from: warrants on the resource, and the relation's rule.
create function rowgate.goal_expression(
    environment integer, type text, relation text, id text, who jsonb, bound boolean, depth integer
) returns jsonb
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    who_type     text := who ->> 0;
    who_id       text := who ->> 1;
    who_relation text := who ->> 2;
    parts        jsonb := '[]';
    groups       jsonb;
    direct       integer;
    rule         jsonb;
begin
    if bound and rowgate.is_bound($1, $2) and not rowgate.row_exists($1, $2, $4) then
        return '0';
    end if;
    if bound and rowgate.is_bound($1, $2, $3) then
        select max(2) filter (where e.subject_type = who_type and coalesce(e.subject_relation, '') = who_relation
                    and (e.subject_id = who_id or (who_relation = '' and e.subject_id = '*'))),
                jsonb_agg(jsonb_build_object('goal', concat_ws('|', e.subject_type, e.subject_relation, e.subject_id), 'most', 2))
                    filter (where e.subject_relation <> '')
            into direct, groups
            from rowgate.bound_edges($1, $2, $4, $3) e;
    else
        select max(case when w.policy_hash = ''::bytea then 2 else 1 end) into direct
            from rowgate.warrant w
            where w.environment = $1 and w.resource_type = $2 and w.resource_id = $4 and w.relation = $3
                and w.subject_type = who_type and w.subject_relation = who_relation
                and w.subject_id = any (case when who_relation = '' then array[who_id, '*'] else array[who_id] end);
        if direct is distinct from 2 then
            select jsonb_agg(jsonb_build_object(
                    'goal', concat_ws('|', w.subject_type, w.subject_relation, w.subject_id),
                    'most', case when w.policy_hash = ''::bytea then 2 else 1 end)) into groups
                from rowgate.warrant w
                where w.environment = $1 and w.resource_type = $2 and w.resource_id = $4 and w.relation = $3
                    and w.subject_relation <> '';
        end if;
    end if;
    if direct = 2 then
        return '2';
    end if;
    select r.rule into rule from rowgate.relation r where r.environment = $1 and r.type = $2 and r.relation = $3;
    if rule is not null then
        parts := parts || jsonb_build_array(rowgate.rule_expression($1, rule, $2, $4, $5, $6, $7));
    end if;
    if direct = 1 then
        parts := parts || '[1]';
    end if;
    return jsonb_build_object('or', parts || coalesce(groups, '[]'));
end $$;

create function rowgate.settle(environment integer, expression jsonb, who jsonb, bound boolean, depth integer) returns integer
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    keys        text[] := '{}';
    expressions jsonb[] := '{}';
    settled     jsonb := '{}';
    looked_at   integer := 0;
    before      integer;
    key         text;
    kind        text;
    relation    text;
    answer      integer;
    one         integer;
    changed     boolean;
begin
    if depth > 20 then
        raise exception 'the decision goes through more than 20 none_of' using errcode = 'program_limit_exceeded',
            hint = 'Ask over HTTP, or simplify the schema.';
    end if;
    keys := array(select distinct k #>> '{}' from jsonb_path_query(expression, '$.**.goal') k);
    loop
        -- Those found before, nearest first, a bounded number at a time: the answer may be near.
        before := looked_at;
        while looked_at < cardinality(keys) loop
            looked_at := looked_at + 1;
            key := keys[looked_at];
            kind := split_part(key, '|', 1);
            relation := split_part(key, '|', 2);
            expressions[looked_at] := rowgate.goal_expression(
                $1, kind, relation, substr(key, length(kind) + length(relation) + 3), $3, $4, $5);
            exit when looked_at % 64 = 0;
        end loop;
        -- Only where something new holds, more may follow from it.
        changed := false;
        for at in before + 1 .. looked_at loop
            changed := changed or rowgate.value(expressions[at], settled) > 0;
        end loop;
        while changed loop
            changed := false;
            for at in reverse looked_at .. 1 loop
                if coalesce((settled -> keys[at])::integer, 0) < 2 then
                    one := rowgate.value(expressions[at], settled);
                    if one > coalesce((settled -> keys[at])::integer, 0) then
                        settled := settled || jsonb_build_object(keys[at], one);
                        changed := true;
                    end if;
                end if;
            end loop;
        end loop;
        answer := rowgate.value(expression, settled);
        if answer = 2 then
            return 2;
        end if;
        keys := keys || array(
            select distinct k #>> '{}'
            from unnest(expressions[before + 1:]) e, jsonb_path_query(e, '$.**.goal') k
            where k #>> '{}' <> all (keys));
        exit when looked_at = cardinality(keys);
        if cardinality(keys) > 10000 then
            raise exception 'the decision leads to more than 10000 resources' using errcode = 'program_limit_exceeded',
                hint = 'Ask over HTTP, which is made for this.';
        end if;
    end loop;
    return answer;
end $$;

-- Whether a subject has a relation to a resource: `select rowgate.check('ticket:7', 'viewer', 'user:ann')`. Sees what the current
-- transaction has written.
create function rowgate.check(resource text, relation text, subject text, environment text default 'default') returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    r      record := rowgate.parts('resource', resource);
    s      record := rowgate.parts('subject', subject);
    number integer;
    bound  boolean;
    answer integer;
begin
    perform rowgate.assert_form(r.type, r.id, $2, s.type, s.id, s.relation);
    select e.id, c.bindings is not null into number, bound
        from rowgate.environment e join rowgate.schema c on c.environment = e.id where e.name = $4;
    if not found then
        raise exception 'there is no environment %', coalesce(quote_literal(left($4, 100)), 'null')
            using errcode = 'undefined_object', hint = 'Create it with `rowgate environment create`.';
    end if;
    perform from rowgate.type t where t.environment = number and t.type = r.type;
    if not found then
        raise exception 'the resource type % does not exist', quote_literal(r.type)
            using errcode = 'undefined_object', hint = 'Declare it in the schema.';
    end if;
    answer := rowgate.settle(number, jsonb_build_object('goal', concat_ws('|', r.type, $2, r.id), 'most', 2),
        jsonb_build_array(s.type, s.id, s.relation), bound, 0);
    if answer = 1 then
        raise exception 'whether % is % of % depends on a policy', subject, $2, resource using errcode = 'feature_not_supported',
            hint = 'SQL does not evaluate policies. Ask over HTTP.';
    end if;
    return answer = 2;
end $$;

revoke all on function rowgate.value, rowgate.rule_expression, rowgate.goal_expression, rowgate.settle, rowgate.check from public;
grant execute on function rowgate.check to rowgate_app;
