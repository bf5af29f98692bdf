SELECT array((SELECT search_dictionaries.dictionary
FROM search_dictionaries ORDER BY search_dictionaries.dictionary)) AS array_1, (SELECT
min(search_entries.schema_version) AS min_1
FROM search_entries) AS anon_1, (SELECT max(search_entries.schema_version) AS max_1
FROM search_entries) AS anon_2, array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT)))
 LIMIT %(param_1)s::INTEGER)) AS array_2, (SELECT min(search_entries.item_id) AS min_2
FROM search_entries) AS anon_3, (SELECT max(search_entries.item_id) AS max_2
FROM search_entries) AS anon_4, set_config('plan_cache_mode', 'force_custom_plan', true) || set_config('enable_seqscan',
'off', true) || set_config('max_parallel_workers_per_gather', '0', true) || set_config('work_mem', '16MB', true) ||
set_config('hnsw.ef_search', '100', true) || set_config('hnsw.iterative_scan', 'relaxed_order', true) ||
set_config('hnsw.max_scan_tuples', '5000', true)
;
--   account_id = 1
--   param_1 = 101
--   redaction_1 = original_roles
--   visibility_1 = public

SELECT word, (ts_lexize(CAST(%(dictionary)s AS regdictionary), word))[1] FROM unnest(CAST(%(words)s AS text[])) AS word
;
--   dictionary = english_stem
--   words = ['red']

SELECT lexeme, frequency FROM pg_stats, LATERAL unnest(CAST(CAST(most_common_elems AS text) AS text[]),
most_common_elem_freqs) AS common(lexeme, frequency) WHERE schemaname = current_schema() AND tablename =
'search_entries' AND attname = 'vector' AND lexeme IS NOT NULL
;

SELECT reltuples FROM pg_class WHERE oid = 'search_entries'::regclass
;

WITH anon_3 AS
(SELECT CASE WHEN ((SELECT pg_class.reltuples
FROM pg_class
WHERE pg_class.oid = CAST('segment_embeddings' AS REGCLASS)) >= %(param_1)s::INTEGER AND (SELECT pg_class.reltuples
FROM pg_class
WHERE pg_class.oid = CAST('transcripts' AS REGCLASS)) > %(param_2)s::INTEGER) THEN CAST(ceil((%(param_3)s::INTEGER *
(SELECT pg_class.reltuples
FROM pg_class
WHERE pg_class.oid = CAST('transcripts' AS REGCLASS))) / CAST((SELECT pg_class.reltuples
FROM pg_class
WHERE pg_class.oid = CAST('segment_embeddings' AS REGCLASS)) AS FLOAT)) AS BIGINT) ELSE %(param_4)s::INTEGER END AS
many)
 SELECT CASE WHEN ((SELECT count(*) AS count_1
FROM (SELECT items.id AS id
FROM items
WHERE items.status = %(status_1)s::VARCHAR AND items.dataset_id = ANY (array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))))))
 LIMIT (SELECT anon_3.many
FROM anon_3)) AS anon_2) = nullif(anon_3.many, %(nullif_1)s::INTEGER)) THEN %(param_5)s::INTEGER ELSE (SELECT count(*)
AS count_2
FROM (SELECT vectors.transcript_id AS transcript_id
FROM items JOIN LATERAL (SELECT segment_embeddings.transcript_id AS transcript_id
FROM segment_embeddings
WHERE segment_embeddings.transcript_id = items.transcript_id
 LIMIT ALL OFFSET 0) AS vectors ON true
WHERE items.status = %(status_2)s::VARCHAR AND items.dataset_id = ANY (array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_2)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_2)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))))))
 LIMIT %(param_6)s::INTEGER) AS anon_4) END AS anon_1
FROM anon_3
;
--   account_id = 1
--   nullif_1 = 0
--   param_1 = 30000
--   param_2 = 0
--   param_3 = 30000
--   param_4 = 0
--   param_5 = 20001
--   param_6 = 20001
--   redaction_1 = original_roles
--   redaction_2 = original_roles
--   status_1 = published
--   status_2 = published
--   visibility_1 = public
--   visibility_2 = public

SELECT anon_1.item_id, anon_1.segment_id, segments.position, -anon_1.distance AS score, anon_1.published_at
FROM (SELECT items.id AS item_id, segment_embeddings.segment_id AS segment_id, coalesce(items.publish_date,
items.published_at) AS published_at, segment_embeddings.vector <#> CAST(%(embedding)s::VARCHAR AS HALFVEC(384)) AS
distance
FROM segment_embeddings JOIN items ON items.transcript_id = segment_embeddings.transcript_id
WHERE segment_embeddings.model = %(model)s::VARCHAR AND items.status = %(status_1)s::VARCHAR AND items.dataset_id = ANY
(array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))))))
ORDER BY segment_embeddings.vector <#> CAST(%(embedding)s::VARCHAR AS HALFVEC(384))
 LIMIT %(param_1)s::INTEGER) AS anon_1 JOIN segments ON segments.id = anon_1.segment_id
;
--   account_id = 1
--   embedding = [-0.0499267578125,0.045013427734375,0.062469482421875,-0.041412353515625,-0.043243408203125,0.0187835693359375,0.0101013…
--   model = fake/word-hash@1
--   param_1 = 100
--   redaction_1 = original_roles
--   status_1 = published
--   visibility_1 = public

SELECT items.id, coalesce(items.transcript_id, %(coalesce_2)s::INTEGER) AS coalesce_1, items.title,
coalesce(items.description, %(coalesce_4)s::VARCHAR) AS coalesce_3, items.source_type, items.language,
coalesce(items.publish_date, items.published_at) AS coalesce_5, datasets.id AS id_1, datasets.name, libraries.slug,
feeds.podcast ->> %(podcast_1)s::TEXT AS anon_1
FROM items JOIN datasets ON datasets.id = items.dataset_id JOIN libraries ON libraries.id = datasets.library_id LEFT
OUTER JOIN feeds ON feeds.dataset_id = datasets.id
WHERE items.id = ANY (%(ids)s::BIGINT[])
;
--   coalesce_2 = 0
--   coalesce_4 = 
--   ids = [1, 1, 1, 1, 1]
--   podcast_1 = image_url

WITH wanted AS
(SELECT segments.transcript_id AS transcript_id, segments.position AS position
FROM segments
WHERE segments.id = ANY (%(ids)s::BIGINT[]))
 SELECT DISTINCT segments.transcript_id, segments.position, segments.start_seconds, segments.end_seconds, segments.text,
coalesce((SELECT speakers.name
FROM speakers JOIN item_speakers ON item_speakers.speaker_id = speakers.id
WHERE item_speakers.transcript_id = segments.transcript_id AND item_speakers.label = segments.speaker),
segments.speaker) AS coalesce_1, segments.confidence, segments.quality
FROM segments JOIN wanted ON segments.transcript_id = wanted.transcript_id AND segments.position BETWEEN wanted.position
- %(around)s::INTEGER AND wanted.position + %(around)s::INTEGER
;
--   around = 0
--   ids = [3, 1, 2, 4, 5]

SELECT word, (ts_lexize(CAST(%(dictionary)s AS regdictionary), word))[1] FROM unnest(CAST(%(words)s AS text[])) AS word
;
--   dictionary = english_stem
--   words = ['000', '5', 'a', 'at', 'came', 'car', 'is', 'late', 'mr', 'talks', 'that', 'the', 'thornton', 'wine', '会', '議']
