/** What prompts of other tools say that is not to be read as words. */

/** A network to be merged: `<lora:name:0.8>`, `<lyco:name>`, `<hypernet:name:1>`. */
const NETWORK = /<(lora|lyco|lycoris|hypernet):([^<>:]{1,300})(?::([^<>]{0,100}))?>/gi;

/** A trained word, as ComfyUI names it. */
const EMBEDDING = /\bembedding:[\w./\\-]{1,300}/gi;

/** Words that change while an image is drawn: `[cat:dog:0.5]`, `[cat:0.5]`, `[cat::0.5]`; or alternate: `[cat|dog]`. */
const CHANGING =
  /\[(?:[^[\]:|]{0,300}:(?:[^[\]:|]{0,300}:)?\s*\d{0,5}\.?\d{1,5}\s*|[^[\]:|]{1,300}\|[^[\]:]{1,300})\]/g;

/** Characters of a tag in a warning. */
const SHOWN = 80;

/**
 * The prompt without other tools' tags for networks and trained words, with sentences for the user about them; changing
 * words are kept as they stand, and said.
 */
export function withoutTags(prompt: string): { text: string; warnings: string[] } {
  const warnings = new Set<string>();
  const text = prompt
    .replace(NETWORK, (tag, kind: string, name: string, strength?: string) => {
      const isLora = /^l/i.test(kind);
      const number = /^-?\d{1,3}(?:\.\d{1,9})?/.exec(strength ?? '')?.[0];
      const given = `${name}.safetensors${number ? `:${number}` : ''}`;
      const instead = isLora
        ? `choose the file with --lora ${shown(given)}, or in the setting patchwork.loras`
        : 'hypernetworks are not supported';
      warnings.add(`${shown(tag)} in the prompt was left out: ${instead}.`);
      return '';
    })
    .replace(EMBEDDING, (tag) => {
      warnings.add(`${shown(tag)} in the prompt was left out: trained words of a file are not supported.`);
      return '';
    });
  for (const [tag] of text.matchAll(CHANGING))
    warnings.add(
      `${shown(tag)} in the prompt is read as it stands: words cannot change while an image is generated.`,
    );
  return { text, warnings: [...warnings] };
}

function shown(tag: string): string {
  return tag.length > SHOWN ? `${tag.slice(0, SHOWN)}…` : tag;
}
