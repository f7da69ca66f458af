import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { exifWithComment } from '../exif-comment.ts';
import { encodePng } from '../png.ts';
import { withPngText } from '../png-text.ts';
import { readRecipeOf } from '../read.ts';
import { exifRecipe, readRecipe } from '../recipe.ts';

const png = await encodePng(new Float32Array(3 * 16).fill(0.3), 4, 4);
const inPng = (texts: Record<string, string>) => {
  let file = png;
  for (const [keyword, text] of Object.entries(texts)) file = withPngText(file, keyword, text);
  return readRecipe(file);
};

/** SDXL with a LoRA, the words through a node of conditions, the seed from a node of its own. */
const graph = {
  '3': {
    class_type: 'KSampler',
    inputs: {
      seed: ['20', 0],
      steps: 24,
      cfg: 6.5,
      sampler_name: 'dpmpp_2m',
      scheduler: 'karras',
      denoise: 1,
      model: ['10', 0],
      positive: ['12', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    },
  },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'xl/juggernaut_v9.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 896, height: 1152, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a castle', clip: ['10', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['10', 1] } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] } },
  '10': {
    class_type: 'LoraLoader',
    inputs: {
      lora_name: 'detail.safetensors',
      strength_model: 0.7,
      strength_clip: 1,
      model: ['4', 0],
      clip: ['4', 1],
    },
  },
  '12': { class_type: 'ControlNetApply', inputs: { conditioning: ['6', 0], strength: 1 } },
  '20': { class_type: 'PrimitiveInt', inputs: { value: 1102676403634909 } },
};
const comfy = {
  prompt: 'a castle',
  negativePrompt: 'blurry',
  steps: 24,
  scheduler: 'dpmpp-2m-karras',
  guidance: 6.5,
  seed: 1102676403634909,
  width: 896,
  height: 1152,
  model: 'juggernaut_v9',
  loras: [{ lora: 'detail', strength: 0.7 }],
};

test('ComfyUI: the graph that was run', () => {
  const { notes, ...read } = inPng({ prompt: JSON.stringify(graph), workflow: '{}' })!;
  assert.deepEqual(read, comfy);
  assert.match(notes!.join(), /could not be taken over: ControlNet/);
  assert.equal(inPng({ prompt: '{"1": {"class_type": "Note", "inputs": {}}}' }), undefined);
});

test('ComfyUI: seeds of 64 bits are read exactly, and what is beyond 53 bits is said', () => {
  const text = JSON.stringify(graph).replace('1102676403634909', '18446744073709551615');
  const { seed, notes } = inPng({ prompt: text })!;
  assert.equal(seed, 2 ** 53 - 1);
  assert.match(notes!.join(), /18446744073709551615 is beyond/);
});

test('ComfyUI: circles of links end', () => {
  const circle = structuredClone(graph) as Record<
    string,
    { class_type: string; inputs: Record<string, unknown> }
  >;
  circle['6'] = { class_type: 'Combine', inputs: { conditioning_1: ['12', 0], conditioning_2: ['6', 0] } };
  circle['20'] = { class_type: 'Reroute', inputs: { value: ['20', 0] } };
  circle['10']!.inputs.model = ['10', 0];
  const read = inPng({ prompt: JSON.stringify(circle) })!;
  assert.equal(read.steps, 24);
  assert.equal(read.seed, undefined);
});

test('ComfyUI: a saved graph alone', () => {
  const workflow = {
    nodes: [
      {
        id: 3,
        type: 'KSampler',
        widgets_values: [5, 'randomize', 20, 8, 'euler', 'normal', 1],
        inputs: [
          { name: 'model', link: 1 },
          { name: 'positive', link: 4 },
          { name: 'negative', link: 6 },
          { name: 'latent_image', link: 2 },
        ],
      },
      { id: 4, type: 'CheckpointLoaderSimple', widgets_values: ['v1-5.safetensors'] },
      { id: 5, type: 'EmptyLatentImage', widgets_values: [512, 768, 1] },
      { id: 6, type: 'CLIPTextEncode', widgets_values: ['a boat'], inputs: [] },
      { id: 7, type: 'CLIPTextEncode', widgets_values: ['text'], inputs: [] },
    ],
    links: [
      [1, 4, 0, 3, 0, 'MODEL'],
      [2, 5, 0, 3, 3, 'LATENT'],
      [4, 6, 0, 3, 1, 'CONDITIONING'],
      [6, 7, 0, 3, 2, 'CONDITIONING'],
    ],
  };
  assert.deepEqual(inPng({ workflow: JSON.stringify(workflow) }), {
    prompt: 'a boat',
    negativePrompt: 'text',
    steps: 20,
    scheduler: 'euler',
    guidance: 8,
    seed: 5,
    width: 512,
    height: 768,
    model: 'v1-5',
  });
});

test('ComfyUI: a sampler that is put together of nodes', () => {
  const { '3': sampler, ...rest } = graph;
  const { sampler_name, scheduler: _, denoise: __, steps, seed, ...inputs } = sampler.inputs;
  const custom = {
    ...rest,
    '3': {
      class_type: 'SamplerCustom',
      inputs: { ...inputs, noise_seed: seed, sampler: ['30', 0], sigmas: ['31', 0] },
    },
    '30': { class_type: 'KSamplerSelect', inputs: { sampler_name } },
    '31': { class_type: 'AlignYourStepsScheduler', inputs: { model_type: 'SDXL', steps, denoise: 1 } },
  };
  const { notes: ___, ...read } = inPng({ prompt: JSON.stringify(custom) })!;
  assert.deepEqual(read, { ...comfy, scheduler: 'dpmpp-2m', sigmas: 'ays' });
});

test('InvokeAI, new and old', () => {
  const metadata = {
    app_version: '5.4.2',
    positive_prompt: 'a lighthouse',
    negative_prompt: 'fog',
    width: 1024,
    height: 768,
    seed: 3042417293,
    cfg_scale: 5.5,
    steps: 30,
    scheduler: 'dpmpp_2m_k',
    model: { name: 'Juggernaut XL v9', base: 'sdxl', type: 'main' },
    loras: [{ model: { name: 'pixel-art' }, weight: 0.75 }],
    controlnets: [{}],
    clip_skip: 1,
    vae: { name: 'sdxl-vae-fp16-fix' },
    hrf_enabled: true,
    refiner_model: null,
    positive_style_prompt: 'oil on canvas',
    canvas_v2_metadata: { controlLayers: [{}, {}], referenceImages: [] },
  };
  const { notes, ...read } = inPng({ invokeai_metadata: JSON.stringify(metadata) })!;
  assert.deepEqual(read, {
    prompt: 'a lighthouse',
    negativePrompt: 'fog',
    steps: 30,
    scheduler: 'dpmpp-2m-karras',
    guidance: 5.5,
    seed: 3042417293,
    width: 1024,
    height: 768,
    model: 'Juggernaut XL v9',
    clipSkip: 2,
    loras: [{ lora: 'pixel-art', strength: 0.75 }],
  });
  assert.match(
    notes!.join(),
    /: ControlNet: 1; vae: sdxl-vae-fp16-fix; hrf_enabled: true; controlLayers: 2; Style prompt: oil on canvas\./,
  );
  const old = {
    model_weights: 'stable-diffusion-1.5',
    image: {
      prompt: [{ prompt: 'a cat [blurry]', weight: 1 }],
      steps: 50,
      cfg_scale: 7.5,
      width: 512,
      height: 512,
      seed: 42,
      sampler: 'k_euler_a',
      threshold: 0,
      variations: [{ seed: 3, weight: 0.1 }],
    },
  };
  const {
    prompt,
    negativePrompt,
    scheduler,
    seed,
    notes: lost,
  } = inPng({ 'sd-metadata': JSON.stringify(old) })!;
  assert.deepEqual([prompt, negativePrompt, scheduler, seed], ['a cat', 'blurry', 'euler-a', 42]);
  assert.deepEqual(lost, ["Of the image's recipe this could not be taken over: variations: 1."]);
});

test('NovelAI', () => {
  const comment = {
    prompt: 'a girl in a garden',
    steps: 28,
    height: 1216,
    width: 832,
    scale: 5,
    seed: 2913844132,
    sampler: 'k_euler_ancestral',
    noise_schedule: 'karras',
    uc: 'lowres',
  };
  const read = inPng({ Software: 'NovelAI', Comment: JSON.stringify(comment), Description: 'other' })!;
  assert.equal(read.prompt, 'a girl in a garden');
  assert.equal(read.negativePrompt, 'lowres');
  assert.deepEqual(
    [read.steps, read.seed, read.width, read.height, read.guidance],
    [28, 2913844132, 832, 1216, 5],
  );
  assert.equal(read.scheduler, 'euler-a');
  assert.doesNotMatch(read.notes?.join() ?? '', /taken over: .*(?:sm|cfg_rescale)/);
  const more = {
    sm: true,
    sm_dyn: false,
    cfg_rescale: 0.4,
    dynamic_thresholding: false,
    reference_image_multiple: ['iVBORw0KGgo'.repeat(30)],
    v4_prompt: { caption: { base_caption: 'a', char_captions: [{ char_caption: 'a girl' }] } },
  };
  const { notes } = inPng({ Comment: JSON.stringify({ ...comment, ...more }) })!;
  assert.match(
    notes!.join(),
    /: sm: true; cfg_rescale: 0\.4; reference_image_multiple: 1; Character prompts: 1\./,
  );
  assert.equal(inPng({ Comment: 'Created with GIMP' }), undefined);
});

test('Draw Things: JSON in XMP', () => {
  const json =
    '{"c":"a &amp; b, a red car","uc":"bad","steps":20,"scale":7,"seed":4026539441,"size":"768x512","sampler":"DPM++ 2M Karras","model":"sd_v1.5_f16.ckpt","strength":1,"lora":[{"model":"x_f16.ckpt","weight":0.6}]}';
  const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description>
    <exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">${json.replaceAll('"', '&quot;')}</rdf:li></rdf:Alt></exif:UserComment>
    </rdf:Description></rdf:RDF></x:xmpmeta>`;
  assert.deepEqual(inPng({ 'XML:com.adobe.xmp': xmp }), {
    prompt: 'a & b, a red car',
    negativePrompt: 'bad',
    steps: 20,
    scheduler: 'dpmpp-2m-karras',
    guidance: 7,
    seed: 4026539441,
    width: 768,
    height: 512,
    model: 'sd_v1.5_f16.ckpt',
    loras: [{ lora: 'x_f16', strength: 0.6 }],
  });
  const v2 = {
    controls: [{ file: 'canny.ckpt' }],
    hiresFix: false,
    upscaler: 'ultrasharp.ckpt',
    clipSkip: 2,
  };
  const more = JSON.stringify({ ...JSON.parse(json), v2 });
  const { clipSkip, notes } = exifRecipe(exifWithComment(more))!;
  assert.equal(clipSkip, 2);
  assert.match(notes!.join(), /: controls: 1; upscaler: ultrasharp\.ckpt\./);
});

for (const format of ['jpeg', 'webp'] as const)
  test(`${format}: ComfyUI's graph in EXIF`, async () => {
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background: '#48c' } }).withExif({
      IFD0: { Make: `workflow:{}`, Model: `prompt:${JSON.stringify(graph)}` },
    });
    const file = await (format === 'jpeg' ? image.jpeg() : image.webp()).toBuffer();
    const { notes: _, ...read } = (await readRecipeOf(file, 'a file'))!;
    assert.deepEqual(read, comfy);
  });

test('ComfyUI: a sampler whose guidance and noise are nodes, LoRA files in a list, no negative words', () => {
  const advanced = {
    '1': { class_type: 'UNETLoader', inputs: { unet_name: 'flux-2-klein-4b.safetensors' } },
    '2': {
      class_type: 'Power Lora Loader (rgthree)',
      inputs: {
        PowerLoraLoaderHeaderWidget: { type: 'PowerLoraLoaderHeaderWidget' },
        lora_1: { on: true, lora: 'styles\\ink.safetensors', strength: 0.8 },
        lora_2: { on: false, lora: 'off.safetensors', strength: 1 },
        model: ['1', 0],
      },
    },
    '3': { class_type: 'CLIPTextEncode', inputs: { text: 'a harbour' } },
    '4': { class_type: 'ConditioningZeroOut', inputs: { conditioning: ['3', 0] } },
    '5': {
      class_type: 'CFGGuider',
      inputs: { cfg: 1.5, model: ['2', 0], positive: ['3', 0], negative: ['4', 0] },
    },
    '6': { class_type: 'RandomNoise', inputs: { noise_seed: 77 } },
    '7': { class_type: 'KSamplerSelect', inputs: { sampler_name: 'euler' } },
    '8': { class_type: 'Flux2Scheduler', inputs: { steps: 4, width: 768, height: 512 } },
    '9': { class_type: 'EmptyFlux2LatentImage', inputs: { width: 768, height: 512, batch_size: 1 } },
    '10': {
      class_type: 'SamplerCustomAdvanced',
      inputs: {
        noise: ['6', 0],
        guider: ['5', 0],
        sampler: ['7', 0],
        sigmas: ['8', 0],
        latent_image: ['9', 0],
      },
    },
    '11': { class_type: 'VAEDecode', inputs: { samples: ['10', 0] } },
    '12': { class_type: 'SaveImage', inputs: { images: ['11', 0] } },
  };
  const expected = {
    prompt: 'a harbour',
    negativePrompt: '',
    steps: 4,
    scheduler: 'euler',
    guidance: 1.5,
    seed: 77,
    width: 768,
    height: 512,
    model: 'flux-2-klein-4b',
    loras: [{ lora: 'ink', strength: 0.8 }],
  };
  assert.deepEqual(inPng({ prompt: JSON.stringify(advanced) }), expected);
  const basic = {
    ...advanced,
    '5': { class_type: 'BasicGuider', inputs: { conditioning: ['3', 0], model: ['2', 0] } },
  };
  const { guidance: _, ...unguided } = expected;
  assert.deepEqual(inPng({ prompt: JSON.stringify(basic) }), unguided);
});

test('ComfyUI: a loader with the words, the size and a list of LoRA files', () => {
  const efficient = {
    '1': {
      class_type: 'LoRA Stacker',
      inputs: { lora_name_1: 'a.safetensors', lora_wt_1: 0.5, lora_name_2: 'None', lora_wt_2: 1 },
    },
    '2': {
      class_type: 'Efficient Loader',
      inputs: {
        ckpt_name: 'dream.safetensors',
        lora_name: 'None',
        lora_model_strength: 1,
        positive: 'a fox',
        negative: 'fog',
        empty_latent_width: 640,
        empty_latent_height: 448,
        lora_stack: ['1', 0],
      },
    },
    '3': {
      class_type: 'KSampler (Efficient)',
      inputs: {
        seed: 9,
        steps: 12,
        cfg: 7,
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: 1,
        model: ['2', 0],
        positive: ['2', 1],
        negative: ['2', 2],
        latent_image: ['2', 3],
      },
    },
  };
  assert.deepEqual(inPng({ prompt: JSON.stringify(efficient) }), {
    prompt: 'a fox',
    negativePrompt: 'fog',
    steps: 12,
    scheduler: 'euler',
    guidance: 7,
    seed: 9,
    width: 640,
    height: 448,
    model: 'dream',
    loras: [{ lora: 'a', strength: 0.5 }],
  });
});

test('ComfyUI: in a saved graph, nodes that are switched off or pass on, and links by names', () => {
  const workflow = {
    nodes: [
      {
        id: 3,
        type: 'KSampler',
        widgets_values: [5, 'fixed', 20, 8, 'euler', 'normal', 1],
        inputs: [
          { name: 'model', type: 'MODEL', link: 1 },
          { name: 'positive', type: 'CONDITIONING', link: 4 },
          { name: 'negative', type: 'CONDITIONING', link: 6 },
          { name: 'seed', type: 'INT', link: 9 },
        ],
      },
      {
        id: 10,
        type: 'LoraLoader',
        mode: 4,
        widgets_values: ['unused.safetensors', 1, 1],
        inputs: [
          { name: 'clip', type: 'CLIP', link: 8 },
          { name: 'model', type: 'MODEL', link: 2 },
        ],
        outputs: [{ type: 'MODEL' }, { type: 'CLIP' }],
      },
      { id: 4, type: 'CheckpointLoaderSimple', widgets_values: ['v1-5.safetensors'] },
      { id: 6, type: 'CLIPTextEncode', widgets_values: ['a boat'] },
      {
        id: 11,
        type: 'Reroute',
        inputs: [{ name: '', type: '*', link: 5 }],
        outputs: [{ type: 'CONDITIONING' }],
      },
      { id: 7, type: 'CLIPTextEncode', mode: 2, widgets_values: ['muted'] },
      { id: 12, type: 'PrimitiveNode', widgets_values: [123, 'fixed'] },
    ],
    links: [
      { id: 1, origin_id: 10, origin_slot: 0, target_id: 3, target_slot: 0, type: 'MODEL' },
      { id: 2, origin_id: 4, origin_slot: 0, target_id: 10, target_slot: 1, type: 'MODEL' },
      { id: 4, origin_id: 11, origin_slot: 0, target_id: 3, target_slot: 1, type: 'CONDITIONING' },
      { id: 5, origin_id: 6, origin_slot: 0, target_id: 11, target_slot: 0, type: 'CONDITIONING' },
      { id: 6, origin_id: 7, origin_slot: 0, target_id: 3, target_slot: 2, type: 'CONDITIONING' },
      { id: 9, origin_id: 12, origin_slot: 0, target_id: 3, target_slot: 3, type: 'INT' },
    ],
  };
  const read = inPng({ workflow: JSON.stringify(workflow) })!;
  assert.deepEqual(read, {
    prompt: 'a boat',
    negativePrompt: '',
    steps: 20,
    scheduler: 'euler',
    guidance: 8,
    seed: 123,
    model: 'v1-5',
  });
});

test('SwarmUI: LoRA files with their strengths', () => {
  const params = {
    prompt: 'a hill',
    steps: 8,
    seed: 1,
    loras: ['x/ink.safetensors', 'fog'],
    loraweights: ['0.6'],
  };
  const { loras, notes } = inPng({ parameters: JSON.stringify({ sui_image_params: params }) })!;
  assert.deepEqual(loras, [
    { lora: 'ink', strength: 0.6 },
    { lora: 'fog', strength: 1 },
  ]);
  assert.equal(notes, undefined);
});

test('JSON of NovelAI, Draw Things and InvokeAI in the comment of a JPEG or WebP file', () => {
  const novel = { prompt: 'a garden', steps: 28, scale: 5, seed: 4, sampler: 'k_euler', uc: 'lowres' };
  for (const [json, prompt] of [
    [{ Software: 'NovelAI', Description: 'a garden', Comment: JSON.stringify(novel) }, 'a garden'],
    [{ c: 'a car', uc: 'bad', steps: 20, scale: 7, seed: 3, size: '512x512', sampler: 'Euler a' }, 'a car'],
    [{ positive_prompt: 'a lake', negative_prompt: '', steps: 30, seed: 2, scheduler: 'euler' }, 'a lake'],
  ] as const) {
    const read = exifRecipe(exifWithComment(JSON.stringify(json)))!;
    assert.deepEqual([read.prompt, read.steps! > 0, read.seed! > 0], [prompt, true, true]);
  }
});

test('texts made to be slow, or too deep to be read, are none', () => {
  const xmp = '<exif:UserComment><rdf:li>'.repeat(35_000);
  assert.equal(readRecipe(withPngText(png, 'XML:com.adobe.xmp', xmp)), undefined);
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  assert.equal(
    readRecipe(withPngText(png, 'sd-metadata', `{"image":{"prompt":"a","width":${deep},"height":1}}`)),
    undefined,
  );
});
