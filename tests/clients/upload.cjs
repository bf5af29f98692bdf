// Upload a file with tus-js-client, going on after every interruption; prints the upload's URL and the item's id.
// node upload.cjs ENDPOINT KEY FILE TITLE [BYTES_PER_REQUEST]
const fs = require('node:fs')
const path = require('node:path')
const tus = require('tus-js-client')

const [endpoint, key, file, title, bytesPerRequest] = process.argv.slice(2)
let itemId

const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename: path.basename(file), title },
  chunkSize: bytesPerRequest ? Number(bytesPerRequest) : Number.POSITIVE_INFINITY,
  retryDelays: Array(100).fill(300),
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
