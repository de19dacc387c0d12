// One axis of hours for everything that is drawn of a cell over time.

const LEFT = 46; // pixels of the numbers beside a panel
const RIGHT = 12;

class HourAxis {
  constructor(low, high) {
    Object.assign(this, { low, high: Math.max(high, low + 1e-6) });
  }

  x(hours, width) {
    return LEFT + ((hours - this.low) / (this.high - this.low)) * (width - LEFT - RIGHT);
  }

  hours(x, width) {
    const part = (x - LEFT) / (width - LEFT - RIGHT);
    return this.low + Math.min(1, Math.max(0, part)) * (this.high - this.low);
  }

  ticks(width) {
    return roundNumbers(this.low, this.high, Math.max(2, Math.floor(width / 80)));
  }
}

// About so many round numbers from low to high.
function roundNumbers(low, high, count) {
  const step = [1, 2, 5, 10].map((one) => one * 10 ** Math.floor(Math.log10((high - low) / count))).find((one) => (high - low) / one <= count);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(Number(value.toPrecision(6)));
  return found;
}
