// The cell in its frame: the nearest of some frames, put together from the crops of its tracks, the chosen one marked.

class FieldView {
  constructor(content, cell) {
    Object.assign(this, { content, cell, tinted: new Tinted(content.images, content.strip) });
    this.canvas = element("canvas", { role: "img", class: "field" });
    this.words = element("p", { class: "under" });
  }

  // The nearest of the frames that the cell is in; of all, where it is in none.
  nearest(frame) {
    const { frames, tracks } = this.content;
    const all = frames.map((_, place) => place);
    const own = all.filter((place) => tracks[place].track_id.includes(this.cell.track_id));
    const far = (place) => Math.abs(frames[place] - frame);
    return (own.length ? own : all).reduce((best, place) => (far(place) < far(best) ? place : best));
  }

  draw(frame, settings) {
    const { frames, shape, tracks, strip } = this.content;
    const place = this.nearest(frame);
    const scale = LARGE / Math.max(...shape);
    const [height, width] = shape.map((side) => side * scale);
    const context = sized(this.canvas, width, height);
    context.drawImage(this.tinted.at(place, settings), 0, 0, strip.width, strip.height, 0, 0, width, height);
    context.font = "10px system-ui, sans-serif";
    tracks[place].track_id.forEach((track, index) => {
      const [x, y] = [tracks[place].x[index] * scale, tracks[place].y[index] * scale];
      const own = track === this.cell.track_id;
      context.strokeStyle = own ? colour("yellow") : "#ffffff";
      context.globalAlpha = own ? 1 : 0.55;
      context.lineWidth = own ? 2 : 1;
      const side = (own ? this.cell.facts.crop : this.cell.facts.crop * 0.25) * scale;
      context.beginPath();
      if (own) context.rect(x - side / 2, y - side / 2, side, side);
      else context.arc(x, y, side / 2, 0, 7);
      context.stroke();
      context.globalAlpha = 1;
    });
    const there = tracks[place].track_id.includes(this.cell.track_id);
    const when = `frame ${frames[place]}, ${number(this.cell.hours(frames[place]), 1)} h`;
    this.words.textContent = `${when}${there ? "" : "; this cell is not in it"}. Put together from crops: black was not cut out.`;
    this.canvas.setAttribute("aria-label", `The whole frame at ${when} with ${tracks[place].track_id.length} tracks, this cell marked by a square`);
  }
}
