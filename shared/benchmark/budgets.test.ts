import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetsOf, isBudget } from './budgets.ts';
import { figuresOf } from './table.ts';
import { row, run } from './testing.ts';

const named = (name: string, precision: 'fp32' | 'int8' = 'fp32') => row({ case: name, precision });

test('budgets stand beside their controls, the largest first, in each precision by themselves', () => {
  const cases = ['generate', 'budget-20', 'steps-20', 'budget-70', 'steps-70'];
  const rows = [...cases.map((name) => named(name)), named('generate', 'int8'), named('budget-20', 'int8')];
  const figures = figuresOf([run({}, rows)]);
  const all = budgetsOf(figures).map(({ full, shares }) => [
    full.row.precision,
    shares.map(({ percent, plan, control }) => [percent, plan.row.case, control?.row.case]),
  ]);
  assert.deepEqual(all, [
    [
      'fp32',
      [
        [70, 'budget-70', 'steps-70'],
        [20, 'budget-20', 'steps-20'],
      ],
    ],
    ['int8', [[20, 'budget-20', undefined]]],
  ]);
  assert.deepEqual(
    figures.filter(isBudget).map(({ row: { case: name } }) => name),
    ['budget-20', 'steps-20', 'budget-70', 'steps-70', 'budget-20'],
  );
});

test('runs stay apart, and rows without budgets or without a full image have none', () => {
  const budgets = [named('generate'), named('budget-20')];
  assert.equal(budgetsOf(figuresOf([run({}, budgets), run({}, budgets)])).length, 2);
  assert.deepEqual(budgetsOf(figuresOf([run()])), []);
  assert.deepEqual(budgetsOf(figuresOf([run({}, [named('budget-20')])])), []);
});
