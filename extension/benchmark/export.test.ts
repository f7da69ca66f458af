import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part, row, run } from '../../shared/benchmark/testing.ts';
import { EXPORTS } from './export.ts';
import { readReport } from './readReport.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('JSON is the report itself, and can be read again', () => {
  const json = EXPORTS.json.write([run()]);
  assert.deepEqual(JSON.parse(json), run().report);
  assert.deepEqual(readReport(bytes(json), 'run.json'), run().report);
  assert.equal(JSON.parse(EXPORTS.json.write([run(), run()])).length, 2);
});

test('CSV has a line for each row, the machine in it, and quotes what needs it', () => {
  const [head, dense, sparse, end] = EXPORTS.csv.write([run()]).split('\r\n');
  assert.match(
    head!,
    /^case,mask,mode,precision,workers,macs,.*,longestMacs,exchangedBytes,.*,processor,cores,.*,onnxruntime$/,
  );
  assert.match(dense!, /^dense,,dense,fp32,1,1000000000000,/);
  assert.match(dense!, /"Some ""fast"" processor, 3 GHz",4/);
  assert.match(sparse!, /^sparse,inpaint\.active-64x128,sparse,.*,0\.1161,100000000000,0,sd15,1024,512,/);
  assert.equal(end, '');
});

test('CSV has the same columns for all rows, also where only some have workers', () => {
  const rows = [row(), row({ workers: 2, attention: 'sampled', parts: [part(), part()] })];
  const lines = EXPORTS.csv
    .write([run({}, rows)])
    .split('\r\n')
    .slice(0, 3);
  const widths = lines.map((line) => line.replaceAll(/"[^"]*(""[^"]*)*"/g, '').split(',').length);
  assert.deepEqual(widths, [widths[0], widths[0], widths[0]]);
  assert.match(lines[2]!, /,sampled,1,250000000000,4000000,/);
});

test('workers come back from JSON', () => {
  const shared = run({}, [row({ workers: 2, parts: [part(), part()] })]);
  assert.deepEqual(readReport(bytes(EXPORTS.json.write([shared])), 'run.json'), shared.report);
});

test('Markdown is a table under what was run and where', () => {
  const lines = EXPORTS.markdown.write([run()]).split('\n');
  assert.match(lines[0]!, /^sd15, 1024×512, one denoising step, 3 runs interleaved, .*2 of 4 threads.*SIGE/);
  assert.match(lines[2]!, /^\| Mode \| MACs \| Fewer MACs \| Published MACs \|/);
  assert.match(lines[3]!, /^\| --- \| ---: \|/);
  assert.match(lines[5]!, /^\| Sparse · inpaint\.active-64x128 \| 100\.0 GMACs \| 10\.0× \| 3\.61× \|/);
  const piped = EXPORTS.markdown.write([run({}, [row({ mask: 'a|b' })])]);
  assert.ok(piped.includes('Dense · a\\|b'));
});

test('what is no run is refused by the file and the field', () => {
  const { report } = run();
  const refused = (text: string, says: RegExp) =>
    assert.throws(() => readReport(bytes(text), 'x.json'), { name: 'InputError', message: says });
  refused('{', /x\.json.*not valid JSON/);
  refused('[]', /several runs/);
  refused('{"a": 1}', /“date” is missing or invalid/);
  refused(JSON.stringify({ ...report, rows: [{ ...report.rows[0], macs: '5' }] }), /rows\.0\.macs/);
  refused(JSON.stringify({ ...report, rows: [] }), /rows/);
  refused(' '.repeat(9 << 20), /too large/);
});

/** A run as an imported file may describe it. */
function imported(name: string) {
  const json = JSON.parse(EXPORTS.json.write([run({ model: name }, [row({ mask: name })])]));
  return { id: 'x', report: readReport(bytes(JSON.stringify(json)), 'run.json') };
}

test('what a spreadsheet would compute is text in CSV', () => {
  for (const formula of ['=HYPERLINK("http://x","y")', '+1', '-2', '@SUM(A1)', ' =1', '\t=1', '＝1']) {
    const [, line] = EXPORTS.csv.write([imported(formula)]).split('\r\n');
    const cells = line!.match(/("([^"]|"")*"|[^,]*)(,|$)/g)!;
    assert.match(cells[1]!, /^"?'/, line);
  }
  const [, line] = EXPORTS.csv.write([run({}, [row({ psnr: -1.5 })])]).split('\r\n');
  assert.match(line!, /,-1\.5,/);
});

test('what Markdown would obey is text, also over several lines', () => {
  for (const name of ['<img src=x>', '# x', '[x](command:y)', 'a\n\n# b', 'a|b', '\u001b[2J']) {
    const written = EXPORTS.markdown.write([imported(name)]);
    const calm = EXPORTS.markdown.write([imported('plain')]);
    assert.equal(written.split('\n').length, calm.split('\n').length);
    assert.doesNotMatch(written, /(^|[^\\])<img|^#|(^|[^\\])\[x|(?!\n)\p{Cc}/mu);
  }
});
