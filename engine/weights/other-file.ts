/** Files that have the name of a model's file and hold something else. */

import { latin1Of } from '../bytes.ts';

/** Their first bytes, one byte a character, and what they are: the end of a sentence. */
const BEGINNINGS: readonly (readonly [begin: RegExp, what: string])[] = [
  [
    /^\s*<(?:!doctype|html|\?xml|head|body)/i,
    'a web page, which a download gives that needs an account or has failed: get the file again, signed in',
  ],
  [
    /^version https:\/\/git-lfs/,
    'a pointer of Git LFS and not the file itself: run git lfs pull where it came from, or download the file',
  ],
  [/^\s*[{[]\s*["{[\]}]/, 'a JSON file: name the weights, or the folder that it lies in'],
  [
    /^[^\s!-~]\x8b|^7z\xbc\xaf|^Rar!|^\xfd7zXZ|^BZh|^\x28\xb5\x2f\xfd/,
    'a compressed archive: unpack it first',
  ],
  [
    /^(?:sys_info|storages|tensors|pickle)\0[\s\S]+ustar/,
    'a file of PyTorch before version 0.1.10, which is not read: load it with PyTorch and save it again',
  ],
  [/^[\s\S]{257}ustar/, 'an archive (tar): unpack it first'],
  [/^\x89PNG|^\xff\xd8\xff|^GIF8|^RIFF[\s\S]{4}WEBP|^BM[\s\S]{4}\0\0\0\0/, 'an image'],
  [/^\x89HDF|^%PDF|^\x7fELF|^MZ[\s\S]\0/, 'a file of another program'],
];

/** Number of bytes that are inspected. */
export const OTHER_BYTES = 264;

/** What kind of file begins like this, if it is known and not a file of tensors. */
export function otherFile(head: Uint8Array): string | undefined {
  // A header's length, which may be any number, then a header: safetensors.
  if (head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0)) return undefined;
  const text = latin1Of(head);
  return BEGINNINGS.find(([begin]) => begin.test(text))?.[1];
}
