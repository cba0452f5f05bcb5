/// Cheap random numbers (xorshift64*, Vigna 2014): the generator's own time is part of what is measured.
package struct RandomDigits: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

    package mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// 1 to `limit`, each as likely as the next (but for what a 64-bit product rounds).
    package mutating func number(upTo limit: UInt64) -> UInt64 { next().multipliedFullWidth(by: limit).high + 1 }

    /// `groups` times eleven digits with dashes between, which is what sysbench fills its columns with.
    package mutating func appendGroups(_ groups: Int, to bytes: inout [UInt8]) {
        for group in 0..<groups {
            if group > 0 { bytes.append(UInt8(ascii: "-")) }
            var rest = next() >> 8
            for _ in 0..<11 {
                bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            }
        }
    }
}

extension [UInt8] {
    package mutating func append(ascii text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    package mutating func append(decimal number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
