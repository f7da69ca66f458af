import { LIMITS } from '../../shared/limits.ts';

/** A LoRA that a prompt names: `<lora:name:0.8>`. */
interface NamedNetwork {
  /** As written in the prompt, for messages. */
  tag: string;
  name: string;
  strength: number;
}

/** `<lora:name:0.8>`, `<lyco:name>`, `<hypernet:name:1>`; further numbers may follow. */
const NETWORK = /<(lora|lyco|lycoris|hypernet):([^<>:]{1,300})(?::([^<>]{0,100}))?>/gi;

/** Most characters of a tag that a warning quotes. */
const SHOWN = 80;

/** The prompt without tags for networks; the LoRA files that it names, and sentences for the user about the others. */
export function withoutTags(prompt: string): { text: string; networks: NamedNetwork[]; warnings: string[] } {
  const warnings = new Set<string>();
  const networks: NamedNetwork[] = [];
  const text = prompt.replace(NETWORK, (tag: string, kind: string, name: string, numbers?: string) => {
    if (/^hyper/i.test(kind))
      warnings.add(`${shown(tag)} in the prompt was left out: hypernetworks are not supported.`);
    else networks.push({ tag: shown(tag), name: name.trim(), strength: strengthOf(tag, numbers, warnings) });
    return '';
  });
  return { text, networks, warnings: [...warnings] };
}

/** The first number; of two, the text encoder's comes first, and here both parts have one strength. */
function strengthOf(tag: string, numbers: string | undefined, warnings: Set<string>): number {
  if (numbers === undefined) return 1;
  const [first = Number.NaN, second = first] = numbers
    .split(':')
    .map((part) => /^\s*(?:te=|unet=)?(-?\d{0,3}\.?\d{1,9})\s*$/.exec(part)?.[1])
    .map((number) => (number === undefined ? Number.NaN : Number(number)));
  const { min, max } = LIMITS.loraStrength;
  const strength = Number.isNaN(first) ? 1 : Math.min(max, Math.max(min, first));
  if (!(first === strength && second === first))
    warnings.add(`${shown(tag)} in the prompt is merged with strength ${strength} into all parts.`);
  return strength;
}

export function shown(tag: string): string {
  return tag.length > SHOWN ? `${tag.slice(0, SHOWN)}…` : tag;
}
