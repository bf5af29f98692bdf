// Use a client that @hey-api/openapi-ts made: upload, poll, read, search, listen, resume and follow; prints what came.
// node use_typescript.js BASE_URL KEY RECORDING, after tsc has compiled it beside the generated folder `client`.
import {
  appendToUpload,
  createUpload,
  getAudio,
  getItem,
  getTranscript,
  getUploadOffset,
  search,
  streamItemEvents,
  uploadAudio,
} from './client'
import type { EndEvent, ItemDetails, ProgressEvent, StageEvent } from './client'
import { client } from './client/client.gen'

// Node's own types are not installed for this.
declare const process: { argv: string[]; exit(code: number): never }
declare const require: (name: 'node:fs') => { readFileSync(path: string): Uint8Array<ArrayBuffer> }

const DATASET = 1
const PATIENCE_MS = 60_000
const HALF = 100_000

const [baseUrl = '', key = '', recording = ''] = process.argv.slice(2)
const bytes = require('node:fs').readFileSync(recording)
const name = recording.split('/').at(-1) ?? ''
const version = { 'Tus-Resumable': '1.0.0' } as const

// The place is empty for the header Authorization: only there the key belongs.
client.setConfig({ baseUrl, auth: (place) => (place.scheme === 'bearer' ? key : undefined) })

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`nothing came from ${what}`)
  return value
}

async function published(itemId: number): Promise<ItemDetails> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    const { data } = await getItem({ path: { item_id: itemId }, throwOnError: true })
    if (data.status === 'published') return data
    if (data.status === 'failed' || data.status === 'cancelled') throw new Error(`the item is ${data.status}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the item was not published in time')
}

async function resumed(): Promise<number> {
  const begun = await createUpload({
    path: { dataset_id: DATASET },
    headers: { ...version, 'Upload-Metadata': `filename ${btoa(name)}`, 'Upload-Length': String(bytes.length) },
    body: new Blob([bytes.subarray(0, HALF)]),
    throwOnError: true,
  })
  const path = { dataset_id: DATASET, upload_id: need(begun.response?.headers.get('Location')?.split('/').at(-1), 'createUpload') }
  const look = await getUploadOffset({ path, headers: version, throwOnError: true })
  const offset = need(look.response?.headers.get('Upload-Offset') ?? undefined, 'getUploadOffset')
  const ended = await appendToUpload({
    path,
    headers: { ...version, 'Upload-Offset': offset },
    body: new Blob([bytes.subarray(Number(offset))]),
    throwOnError: true,
  })
  return Number(need(ended.response?.headers.get('Item-Id') ?? undefined, 'appendToUpload'))
}

async function followed(itemId: number): Promise<string[]> {
  const names: string[] = []
  const { stream } = await streamItemEvents({
    path: { item_id: itemId },
    onSseEvent: ({ event }) => void (event && names.push(event)),
  })
  let last: StageEvent | ProgressEvent | EndEvent | undefined
  for await (const data of stream) last = data as StageEvent | ProgressEvent | EndEvent
  if ((last as EndEvent | undefined)?.status !== 'published') throw new Error('the stream did not end with an end')
  return names
}

async function main(): Promise<void> {
  const accepted = await uploadAudio({
    path: { dataset_id: DATASET },
    body: { audio: new File([bytes], name), title: 'By TypeScript' },
    headers: { 'Idempotency-Key': 'one' },
    throwOnError: true,
  })
  const itemId = accepted.data.item_id
  const item = await published(itemId)
  const transcript = (await getTranscript({ path: { item_id: itemId }, throwOnError: true })).data
  if (typeof transcript === 'string' || transcript instanceof Blob) throw new Error('the transcript came as text')
  const word = need(transcript.segments[0]?.words[0]?.word, 'getTranscript').replace(/[ .,]/g, '')
  const subtitles = await getTranscript({ path: { item_id: itemId }, query: { format: ['srt'] }, parseAs: 'text', throwOnError: true })
  const found = await search({ body: { query: word, search_type: 'text' }, throwOnError: true })
  const part = await getAudio({ path: { item_id: itemId }, headers: { Range: 'bytes=0-99' }, parseAs: 'blob', throwOnError: true })
  const absent = await getItem({ path: { item_id: 2 ** 40 } })
  const again = await resumed()
  await published(again)
  console.log(
    JSON.stringify({
      item_id: itemId,
      title: item.title,
      segments: transcript.segments.length,
      subtitles: String(subtitles.data).startsWith('1\n'),
      found: found.data.results.map((result) => result.item_id),
      range: [part.response?.status, part.response?.headers.get('Content-Range'), (part.data as Blob).size],
      absent: need(absent.error, 'an absent item').code,
      resumed: again,
      events: await followed(again),
    }),
  )
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
