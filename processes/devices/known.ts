import * as z from 'zod';
import { cacheFolder, fs, path } from '#host';
import {
  convolutionTimesSchema,
  stepTimesSchema,
  storagesSchema,
} from '../../engine/backends/devices/findings.ts';
import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import { readOptionalJson } from '../../engine/json.ts';
import { messageOf } from '../../shared/errorMessage.ts';

/** Increment when the trial changes. */
const VERSION = 4;

const checkSchema = z.object({
  wrong: z.array(z.string()),
  half: z.boolean().optional(),
  fault: z.string().optional(),
  stepSeconds: z.number().positive().optional(),
  storages: storagesSchema.optional(),
  convolutions: convolutionTimesSchema.optional(),
  steps: stepTimesSchema.optional(),
});
const fileSchema = z.object({ version: z.literal(VERSION), devices: z.record(z.string(), checkSchema) });

/** Findings about devices, by their identity, in the cache folder. */
export class KnownDevices {
  readonly #file = path.join(cacheFolder(), 'devices.json');

  async get(identity: string): Promise<DeviceCheck | undefined> {
    return (await this.#read())[identity] as DeviceCheck | undefined;
  }

  /** Stores a result. If it cannot be written, the device is tried again next time. */
  async set(identity: string, found: DeviceCheck, onLog?: (line: string) => void): Promise<void> {
    const devices = { ...(await this.#read()), [identity]: found };
    const text = `${JSON.stringify({ version: VERSION, devices }, undefined, 1)}\n`;
    try {
      await fs.mkdir(path.dirname(this.#file));
      await fs.writeAtomically(this.#file, (writer) => writer.write(text));
    } catch (error) {
      onLog?.(`What was found out about devices is not remembered: ${messageOf(error)}`);
    }
  }

  /** Damaged files, and those of another version, hold nothing. */
  async #read(): Promise<Record<string, unknown>> {
    const read = await readOptionalJson(this.#file).catch(() => undefined);
    const known = fileSchema.safeParse(read);
    return known.success ? known.data.devices : {};
  }
}
