/* global uPlot */
// Draws what the table beside each chart says: whoever does not see the drawing reads the same numbers.

(() => {
  const drawn = new WeakMap();

  function colour(of, value) {
    of.style.color = value;
    const { color } = getComputedStyle(of);
    of.style.color = '';
    return color;
  }

  function read(figure) {
    const table = figure.querySelector('table');
    const heads = [...table.tHead.rows[0].cells].slice(1);
    const rows = [...table.tBodies[0].rows];
    return {
      names: heads.map((cell) => cell.textContent),
      colours: heads.map((cell) => colour(figure, `var(--${cell.dataset.colour})`)),
      labels: rows.map((row) => row.cells[0].textContent),
      ticks: rows.map((row) => row.cells[0].dataset.tick ?? ''),
      columns: heads.map((_, i) =>
        rows.map((row) =>
          row.cells[i + 1].dataset.value === undefined ? null : Number(row.cells[i + 1].dataset.value),
        ),
      ),
      texts: heads.map((_, i) => rows.map((row) => row.cells[i + 1].textContent)),
      unit: table.dataset.unit ?? '',
    };
  }

  function draw(figure) {
    const told =
      figure.querySelector('table').textContent + matchMedia('(prefers-color-scheme: dark)').matches;
    const before = drawn.get(figure);
    if (before?.told === told) return;
    before?.end();
    const plot = figure.querySelector('.plot');
    const { names, colours, labels, ticks, columns, texts, unit } = read(figure);
    const stacked = figure.dataset.chart === 'stacked';
    // Bars are drawn from the whole stack downwards, each over the one before.
    const sums = columns.map((_, i) =>
      labels.map((_, at) => columns.slice(0, i + 1).reduce((sum, column) => sum + (column[at] ?? 0), 0)),
    );
    const shown = stacked ? sums.toReversed() : columns;
    const inks = stacked ? colours.toReversed() : colours;
    const line = colour(figure, 'var(--line)');
    const soft = colour(figure, 'var(--soft)');
    const font = `12px ${getComputedStyle(figure).fontFamily}`;
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    const short = (value) =>
      unit === 'ms' ? (value >= 1000 ? `${value / 1000} s` : `${value} ms`) : String(value);

    function tell(u) {
      const at = u.cursor.idx;
      tip.hidden = at === null || at === undefined || u.cursor.left < 0;
      if (tip.hidden) return;
      const head = document.createElement('b');
      head.textContent = labels[at];
      tip.replaceChildren(
        head,
        ...names.map((name, i) => {
          const row = document.createElement('div');
          row.textContent = `${name}: ${texts[i][at]}`;
          return row;
        }),
      );
      const left = u.valToPos(at, 'x') + u.bbox.left / devicePixelRatio;
      const most = plot.clientWidth - tip.offsetWidth;
      tip.style.transform = `translate(${Math.max(0, Math.min(left + 10, most))}px, 0)`;
    }

    /** As many of the ticks as find room beside one another. */
    function thinned() {
      const width = Math.max(plot.clientWidth - scaleWidth - edge, 1);
      const widest = Math.max(...ticks.map((tick) => tick?.length ?? 0)) * 6.3 + 10;
      const fits = (i) => ((i + 0.5) / labels.length) * width + widest / 2 < width + edge + 5; // half of what is kept between two
      const all = labels.flatMap((_, i) => (ticks[i] && fits(i) ? [i] : []));
      const step = Math.ceil((all.length * widest) / width);
      return all.filter((_, i) => (all.length - 1 - i) % step === 0);
    }

    /** One value alone has no line to be seen by. */
    const alone = (values) => (values.filter((value) => value !== null).length === 1 ? { show: true } : {});

    const edge = 8;
    const scaleWidth = unit === 'ms' ? 58 : 42;
    const size = () => ({ width: plot.clientWidth, height: plot.clientHeight });
    const u = new uPlot(
      {
        ...size(),
        padding: [12, edge, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: !stacked } },
        scales: {
          x: { time: false, range: [-0.5, Math.max(labels.length - 0.5, 0.5)] },
          y: { range: (_u, _least, most) => [0, Math.max(most * 1.08, unit === 'ms' ? 10 : 4)] },
        },
        axes: [
          {
            stroke: soft,
            font,
            size: 28,
            gap: 6,
            grid: { show: false },
            ticks: { show: false },
            splits: thinned,
            values: (_, at) => at.map((i) => ticks[i] ?? ''),
          },
          {
            stroke: soft,
            font,
            size: scaleWidth,
            gap: 6,
            grid: { stroke: line, width: 1 },
            ticks: { show: false },
            incrs: [
              1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7,
            ],
            values: (_, at) => at.map(short),
          },
        ],
        series: [
          {},
          ...shown.map((values, i) =>
            stacked
              ? {
                  fill: inks[i],
                  stroke: inks[i],
                  width: 0,
                  points: { show: false },
                  paths: uPlot.paths.bars({ size: [0.72, 42], radius: 0.12 }),
                }
              : {
                  stroke: inks[i],
                  width: 2,
                  spanGaps: true,
                  points: { size: 6, fill: inks[i], ...alone(values) },
                },
          ),
        ],
        hooks: { setCursor: [tell] },
      },
      [labels.map((_, i) => i), ...shown],
      plot,
    );
    plot.append(tip);

    const sizes = new ResizeObserver(() => u.setSize(size()));
    sizes.observe(plot);
    const keys = new AbortController();
    plot.addEventListener(
      'keydown',
      (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const at = Math.max(
          0,
          Math.min(labels.length - 1, (u.cursor.idx ?? (step > 0 ? -1 : labels.length)) + step),
        );
        u.setCursor({ left: u.valToPos(at, 'x'), top: 10 });
      },
      { signal: keys.signal },
    );
    plot.addEventListener('blur', () => u.setCursor({ left: -10, top: -10 }), { signal: keys.signal });

    drawn.set(figure, {
      told,
      end() {
        sizes.disconnect();
        keys.abort();
        u.destroy();
        tip.remove();
      },
    });
  }

  const drawAll = () => document.querySelectorAll('figure.chart').forEach(draw);
  drawAll();
  document.addEventListener('htmx:after:swap', drawAll);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
})();
