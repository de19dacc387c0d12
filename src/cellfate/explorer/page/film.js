// The crops of a cell as a film: channels in colours, one frame large, some along the strip.

const FRAMES_A_SECOND = 8;
const LARGE = 280; // pixels of the large frame on the screen
const MOST_ON_STRIP = 12;

// Grey pictures of all channels at once, drawn as one in colours; settings = [{ on, colour, low, high }], 0 to 255.
class Tinted {
  constructor(images, strip) {
    Object.assign(this, { strip, sheets: images.map((image) => this.pixels(image)) });
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = [strip.width, strip.height];
    this.context = this.canvas.getContext("2d");
  }

  pixels(image) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return context;
  }

  // The picture at a place of the strip.
  at(place, settings) {
    const { columns, width, height } = this.strip;
    const [x, y] = [(place % columns) * width, Math.floor(place / columns) * height];
    const sum = new Float32Array(width * height * 3);
    this.sheets.forEach((sheet, channel) => {
      const { on, colour: tinted, low, high } = settings[channel];
      if (!on) return;
      const grey = sheet.getImageData(x, y, width, height).data;
      const parts = rgb(tinted).map((part) => part / Math.max(1, high - low));
      for (let pixel = 0; pixel < width * height; pixel++) {
        const value = Math.min(Math.max(grey[pixel * 4] - low, 0), high - low);
        for (let part = 0; part < 3; part++) sum[pixel * 3 + part] += value * parts[part];
      }
    });
    const image = this.context.createImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let part = 0; part < 3; part++) image.data[pixel * 4 + part] = sum[pixel * 3 + part];
      image.data[pixel * 4 + 3] = 255;
    }
    this.context.putImageData(image, 0, 0);
    return this.canvas;
  }
}

// A canvas of that many pixels on the screen, sharp on screens with more dots than pixels; its context counts in pixels.
function sized(canvas, width, height) {
  const dots = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * dots), Math.round(height * dots)];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const context = canvas.getContext("2d");
  context.setTransform(dots, 0, 0, dots, 0, 0);
  return context;
}

class Film {
  constructor(frames, images, strip, seek) {
    Object.assign(this, { frames, seek, tinted: new Tinted(images, strip) });
    this.large = element("canvas", { role: "img", class: "large" });
    this.along = element("canvas", { role: "img", class: "along", "aria-label": "Frames along the track; a click shows that one" });
    this.along.addEventListener("click", (event) => {
      const part = event.offsetX / this.along.clientWidth;
      const place = this.places[Math.min(this.places.length - 1, Math.floor(part * this.places.length))];
      if (place !== undefined) this.seek(this.frames[place]);
    });
  }

  draw(frame, settings, width, words) {
    const place = Math.max(0, lastUpTo(this.frames, frame));
    const large = sized(this.large, LARGE, LARGE);
    large.imageSmoothingQuality = "high";
    large.drawImage(this.tinted.at(place, settings), 0, 0, LARGE, LARGE);
    this.large.setAttribute("aria-label", words);
    this.drawAlong(place, settings, width);
  }

  drawAlong(place, settings, width) {
    const fit = Math.max(3, Math.min(MOST_ON_STRIP, Math.floor(width / 62), this.frames.length));
    const count = Math.min(fit, this.frames.length);
    const side = Math.floor(width / fit);
    this.places = Array.from({ length: count }, (_, index) => Math.round((index * (this.frames.length - 1)) / Math.max(1, count - 1)));
    const context = sized(this.along, side * count, side + 4);
    const near = this.places.reduce((best, one) => (Math.abs(one - place) < Math.abs(best - place) ? one : best), this.places[0]);
    this.places.forEach((one, index) => {
      context.drawImage(this.tinted.at(one, settings), index * side + 1, 0, side - 2, side - 2);
      if (one !== near) return;
      context.fillStyle = colour("now");
      context.fillRect(index * side + 1, side, side - 2, 4);
    });
  }
}
