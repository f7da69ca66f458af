import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import os from 'node:os';
import { MEMORY, makeOwnFolder } from '../../engine/host/node/own-folder.ts';

/** Room that workers may need for the features of two steps; containers often have 64 MB there. */
const ROOM_BYTES = 1 << 30;

/** A folder for the mail of one crew: in memory, if the platform has such files and there is room. */
export async function makeMailFolder(memory = MEMORY, room = ROOM_BYTES): Promise<string> {
  return makeOwnFolder((await hasRoom(memory, room)) ? memory : os.tmpdir());
}

async function hasRoom(folder: string, room: number): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= room;
  } catch {
    return false;
  }
}
