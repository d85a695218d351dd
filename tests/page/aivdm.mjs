// AIS reports for the load check (ITU-R M.1371): bits, armoured as IEC 61162-1 has them in VDM.

/** A field: so many bits, most significant first; negative numbers in two's complement. */
const field = (value, width) => (BigInt(Math.round(value)) & ((1n << BigInt(width)) - 1n)).toString(2).padStart(width, '0');
const text = (words, length) => [...words.padEnd(length, '@').slice(0, length)].map(c => field(c.charCodeAt(0) & 63, 6)).join('');

/** A class A position report of ship number `i` near the demo boat's waters; it moves on with each `round`. */
export const position = (mmsi, i, round) => {
  const lon = 24.6 + (i % 20) * 0.04 + round * 0.00002, lat = 59.9 + Math.floor(i / 20) * 0.03 + round * 0.00001;
  return field(1, 6) + field(0, 2) + field(mmsi, 30) + field(0, 4) + field(-128, 8) + field((50 + i) % 250, 10) + field(0, 1)
    + field(lon * 600000, 28) + field(lat * 600000, 27) + field((i * 18 + round) % 3600, 12) + field((i * 2) % 360, 9)
    + field(round % 60, 6) + field(0, 2) + field(0, 3) + field(0, 1) + field(0, 19);
};

/** A static report of class B, part A: the name. */
export const name24 = (mmsi, name) => field(24, 6) + field(0, 2) + field(mmsi, 30) + field(0, 2) + text(name, 20) + field(0, 8);

/** The sentence that carries these bits. */
export const encode = bits => {
  const fill = (6 - bits.length % 6) % 6, padded = bits + '0'.repeat(fill);
  let payload = '';
  for (let i = 0; i < padded.length; i += 6) {
    const six = parseInt(padded.slice(i, i + 6), 2);
    payload += String.fromCharCode(six < 40 ? six + 48 : six + 56);
  }
  const body = `AIVDM,1,1,,A,${payload},${fill}`;
  const sum = [...body].reduce((x, c) => x ^ c.charCodeAt(0), 0);
  return `!${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}`;
};
