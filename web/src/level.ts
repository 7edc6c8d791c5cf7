// How loud the microphone is, shown.

const FLOOR_DBFS = -60;
const SILENT_SECONDS = 5;

export class Level {
  private context: AudioContext | null = null;
  private frame = 0;

  /** quiet: told when a microphone that is open gives not even noise. */
  constructor(
    private readonly bar: HTMLElement,
    private readonly quiet: (yes: boolean) => void,
  ) {}

  watch(stream: MediaStream): void {
    this.stop();
    const context = new AudioContext();
    void context.resume().catch(() => undefined); // browsers that do not let it run tell nothing of the microphone
    const analyser = new AnalyserNode(context, { fftSize: 1024 });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
    this.context = context;
    const samples = new Float32Array(analyser.fftSize);
    let heardAt = performance.now();
    let shown = 0;
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
      const open = stream.getAudioTracks()[0]?.enabled ?? false;
      if (rms > 0 || !open || context.state !== "running") heardAt = performance.now();
      this.quiet(performance.now() - heardAt > 1000 * SILENT_SECONDS);
      const level = rms > 0 ? Math.max(0, 1 - (20 * Math.log10(rms)) / FLOOR_DBFS) : 0;
      shown = Math.max(level, shown * 0.9);
      this.show(shown);
      this.frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    void this.context?.close();
    this.context = null;
    this.quiet(false);
    this.show(0);
  }

  private show(level: number): void {
    this.bar.style.setProperty("--level", level.toFixed(3));
  }
}
