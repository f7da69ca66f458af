import os from 'node:os';
import path from 'node:path';
import { getHFHubCachePath } from '@huggingface/hub';
import { homePath } from '../../../../shared/homePath.ts';
import { formatBytes } from '../../../../shared/units.ts';
import type { HubEnvironment } from '../../host.ts';
import { readStart } from '../read-start.ts';
import { environmentFetch } from './proxy.ts';

/** From the environment variables of Hugging Face's own tools. */
export const hubEnvironment: HubEnvironment = {
  cache: () => path.resolve(homePath(getHFHubCachePath(), os.homedir())),
  endpoint: () => process.env.HF_ENDPOINT?.trim() || undefined,
  offline: () => /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? ''),
  async token() {
    const { HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
    if (HF_TOKEN?.trim()) return HF_TOKEN.trim();
    const home = HF_HOME ?? path.join(XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'huggingface');
    const file = homePath(HF_TOKEN_PATH ?? path.join(home, 'token'), os.homedir());
    const text = await readStart(file).catch(() => '');
    return text.trim() || undefined;
  },
  room: (bytes) => `the disk has ${formatBytes(bytes)} free`,
  tooLarge: ({ cache, free, needed }) =>
    `The disk of ${cache} has ${formatBytes(free)} free, and ${formatBytes(needed)} are needed; make room, or set HF_HUB_CACHE to a folder on another disk.`,
  reachable: 'Check your connection or proxy (HTTPS_PROXY)',
  fetch: environmentFetch,
};
