// Upload a file with tus-js-client, going on after every interruption; prints the upload's URL and the item's id.
// node upload.cjs ENDPOINT KEY FILE TITLE [BYTES_PER_REQUEST [PROTOCOL]]
const fs = require('node:fs')
const path = require('node:path')
const tus = require('tus-js-client')

const [endpoint, key, file, title, bytesPerRequest, protocol = 'tus-v1'] = process.argv.slice(2)
let itemId

const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  protocol,
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename: path.basename(file), title },
  chunkSize: Number(bytesPerRequest) ? Number(bytesPerRequest) : Number.POSITIVE_INFINITY,
  retryDelays: Array(400).fill(300),
  onAfterResponse: (_, answer) => {
    itemId = answer.getHeader('Item-Id') ?? itemId
  },
  onSuccess: () => console.log(JSON.stringify({ url: upload.url, item_id: Number(itemId) })),
  onError: (error) => {
    console.error(String(error))
    process.exitCode = 1
  },
})
upload.start()
