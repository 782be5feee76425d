/** Seeds that found a fault, and which; the tests run them for ever. A seed names another world when the world changes. */
export const badSeeds: Readonly<Record<number, string>> = {
  36: 'what died with a hub without a log was called settled by the next one',
  254: 'an edit that was refused and then committed stayed held',
  558: 'a copy of the device took the name of an edit that had grown since',
  1531: 'a hub without a log sent, when it thawed, what its tabs had brought to the next one',
  2148: 'what was taken back before it was sent and made again later was taken for one out of order',
  3896: 'a handle that was let go did not see that what was settled was held, and died with a hub without a log',
  5666: 'a document was left once more, by a frame that came twice, after it was opened again',
  6153: 'a device that held an edit was taken to be in step with the server before it had connected',
  7911: 'history was trimmed between the answer and the subscription, and the document was given up',
  9257: 'a device that was cut back to before a redo was taken to have lost what was undone then',
  9415: 'a device took an op that its copy had sent for its own one, which had grown since, and was given the whole document',
  9928: 'what was redone by a hub without a log, and again by the next one that knew nothing of it, was taken for doubled',
  11250: 'a character that was deleted offline came back where history was trimmed, and once more by an undo',
  12603: 'a hub gave names again that it had given, in a document that came back empty from an evicted log',
  19025: 'a device did not notice that a server had gone back whose history was trimmed since',
  21777:
    'a document that could not be read was written over by the first checkpoint of what came from the server',
  24415: 'a tab that came to a hub again was told everything twice, for its former seat was still there',
  38591:
    'the ack of an edit that was refused and then committed was passed over, and with it what it said of versions',
  40903: 'a tab forgot what the hub that it met again had taken and not saved',
  40971: 'a hub threw where a grown edit was held of a document that had been deleted on top of it',
  49485: 'what was undone and redone stood twice when the server refused the undo, which was undone by that',
  51868: 'what was held was called settled before that was saved, and went with the storage',
  52888: 'a device that found space again was looked at in the moment before its tabs heard of it',
  55204: 'what was undone and redone stood twice when the server refused the undo',
  59083:
    'what was held was called settled before that was saved, and an earlier state of the storage came back',
}

/** The same with people (`--people`). */
export const badPeople: Readonly<Record<number, string>> = {
  56: 'two documents that lead to each other waited for each other for ever',
  494: 'what was held already when somebody linked to its document was taken to be waited for',
}
