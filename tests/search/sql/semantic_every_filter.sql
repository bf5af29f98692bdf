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

SELECT items.id
FROM items
WHERE items.status = %(status_1)s::VARCHAR AND items.dataset_id = ANY (array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))) AND
libraries.slug = ANY (%(libraries)s::TEXT[])))) AND items.dataset_id = ANY (%(datasets)s::BIGINT[]) AND items.id = ANY
(%(items)s::BIGINT[]) AND items.source_type = ANY (%(source_types)s::TEXT[]) AND items.language = ANY
(%(languages)s::TEXT[]) AND coalesce(items.publish_date, items.published_at) >= %(published_from)s::TIMESTAMP WITH TIME
ZONE AND coalesce(items.publish_date, items.published_at) < %(published_before)s::TIMESTAMP WITH TIME ZONE
 LIMIT %(at_most)s::INTEGER
;
--   account_id = 1
--   at_most = 101
--   datasets = [1]
--   doubtful = False
--   entities = ['ada']
--   entity_ids = [1]
--   items = [1]
--   languages = ['en']
--   libraries = ['library-1']
--   min_confidence = 0.5
--   published_before = 2026-02-01 00:00:00+00:00
--   published_from = 2026-01-01 00:00:00+00:00
--   redaction_1 = original_roles
--   source_types = ['upload']
--   speaker_ids = [1]
--   speakers = ['anna']
--   status_1 = published
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
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))) AND
libraries.slug = ANY (%(libraries)s::TEXT[])))) AND items.dataset_id = ANY (%(datasets)s::BIGINT[]) AND items.id = ANY
(%(items)s::BIGINT[]) AND items.source_type = ANY (%(source_types)s::TEXT[]) AND items.language = ANY
(%(languages)s::TEXT[]) AND coalesce(items.publish_date, items.published_at) >= %(published_from)s::TIMESTAMP WITH TIME
ZONE AND coalesce(items.publish_date, items.published_at) < %(published_before)s::TIMESTAMP WITH TIME ZONE
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
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))) AND
libraries.slug = ANY (%(libraries)s::TEXT[])))) AND items.dataset_id = ANY (%(datasets)s::BIGINT[]) AND items.id = ANY
(%(items)s::BIGINT[]) AND items.source_type = ANY (%(source_types)s::TEXT[]) AND items.language = ANY
(%(languages)s::TEXT[]) AND coalesce(items.publish_date, items.published_at) >= %(published_from)s::TIMESTAMP WITH TIME
ZONE AND coalesce(items.publish_date, items.published_at) < %(published_before)s::TIMESTAMP WITH TIME ZONE
 LIMIT %(param_6)s::INTEGER) AS anon_4) END AS anon_1
FROM anon_3
;
--   account_id = 1
--   datasets = [1]
--   doubtful = False
--   entities = ['ada']
--   entity_ids = [1]
--   items = [1]
--   languages = ['en']
--   libraries = ['library-1']
--   min_confidence = 0.5
--   nullif_1 = 0
--   param_1 = 30000
--   param_2 = 0
--   param_3 = 30000
--   param_4 = 0
--   param_5 = 20001
--   param_6 = 20001
--   published_before = 2026-02-01 00:00:00+00:00
--   published_from = 2026-01-01 00:00:00+00:00
--   redaction_1 = original_roles
--   redaction_2 = original_roles
--   source_types = ['upload']
--   speaker_ids = [1]
--   speakers = ['anna']
--   status_1 = published
--   status_2 = published
--   visibility_1 = public
--   visibility_2 = public

SELECT anon_1.item_id, anon_1.segment_id, segments.position, -anon_1.distance AS score, anon_1.published_at
FROM (SELECT items.id AS item_id, vectors.segment_id AS segment_id, coalesce(items.publish_date, items.published_at) AS
published_at, vectors.distance AS distance
FROM items JOIN LATERAL (SELECT segment_embeddings.segment_id AS segment_id, segment_embeddings.vector <#>
CAST(%(embedding)s::VARCHAR AS HALFVEC(384)) AS distance
FROM segment_embeddings
WHERE segment_embeddings.model = %(model)s::VARCHAR AND segment_embeddings.transcript_id = items.transcript_id
 LIMIT ALL OFFSET 0) AS vectors ON true
WHERE items.status = %(status_1)s::VARCHAR AND items.dataset_id = ANY (array((SELECT datasets.id
FROM datasets JOIN libraries ON libraries.id = datasets.library_id
WHERE (libraries.visibility = %(visibility_1)s::VARCHAR OR libraries.id IN (SELECT library_members.library_id
FROM library_members
WHERE library_members.account_id = %(account_id)s::BIGINT)) AND (datasets.redaction IS NULL OR
(datasets.redaction[%(redaction_1)s::TEXT] ? (SELECT library_members.role
FROM library_members
WHERE library_members.library_id = datasets.library_id AND library_members.account_id = %(account_id)s::BIGINT))) AND
libraries.slug = ANY (%(libraries)s::TEXT[])))) AND items.dataset_id = ANY (%(datasets)s::BIGINT[]) AND items.id = ANY
(%(items)s::BIGINT[]) AND items.source_type = ANY (%(source_types)s::TEXT[]) AND items.language = ANY
(%(languages)s::TEXT[]) AND coalesce(items.publish_date, items.published_at) >= %(published_from)s::TIMESTAMP WITH TIME
ZONE AND coalesce(items.publish_date, items.published_at) < %(published_before)s::TIMESTAMP WITH TIME ZONE AND
vectors.segment_id IN (SELECT segments.id
FROM segments
WHERE segments.id = vectors.segment_id AND (lower(segments.speaker) = ANY (%(speakers)s::TEXT[]) OR
(segments.transcript_id, segments.speaker) IN (SELECT item_speakers.transcript_id, item_speakers.label
FROM item_speakers JOIN speakers ON speakers.id = item_speakers.speaker_id
WHERE lower(speakers.name) = ANY (%(speakers)s::TEXT[]))) AND (segments.transcript_id, segments.speaker) IN (SELECT
item_speakers.transcript_id, item_speakers.label
FROM item_speakers
WHERE item_speakers.speaker_id = ANY (%(speaker_ids)s::BIGINT[])) AND segments.confidence >= %(min_confidence)s AND
(%(doubtful)s OR segments.quality IS DISTINCT FROM %(quality_1)s::VARCHAR) AND segments.id IN (SELECT
mentions.segment_id
FROM mentions JOIN entities ON entities.id = mentions.entity_id LEFT OUTER JOIN subjects ON subjects.id =
entities.subject_id
WHERE lower(entities.name) = ANY (%(entities)s::TEXT[]) OR lower(subjects.name) = ANY (%(entities)s::TEXT[])) AND
segments.id IN (SELECT mentions.segment_id
FROM mentions JOIN entities ON entities.id = mentions.entity_id
WHERE entities.id = ANY (%(entity_ids)s::BIGINT[]))) ORDER BY vectors.distance
 LIMIT %(param_1)s::INTEGER) AS anon_1 JOIN segments ON segments.id = anon_1.segment_id
;
--   account_id = 1
--   datasets = [1]
--   doubtful = False
--   embedding = [-0.0499267578125,0.045013427734375,0.062469482421875,-0.041412353515625,-0.043243408203125,0.0187835693359375,0.0101013…
--   entities = ['ada']
--   entity_ids = [1]
--   items = [1]
--   languages = ['en']
--   libraries = ['library-1']
--   min_confidence = 0.5
--   model = fake/word-hash@1
--   param_1 = 100
--   published_before = 2026-02-01 00:00:00+00:00
--   published_from = 2026-01-01 00:00:00+00:00
--   quality_1 = doubtful
--   redaction_1 = original_roles
--   source_types = ['upload']
--   speaker_ids = [1]
--   speakers = ['anna']
--   status_1 = published
--   visibility_1 = public
