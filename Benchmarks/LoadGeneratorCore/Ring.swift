/// A queue of bounded length that allocates once.
package struct Ring<Element> {
    private var slots: [Element?]
    private var first = 0
    package private(set) var count = 0

    package init(capacity: Int) { slots = Array(repeating: nil, count: capacity) }

    package var isEmpty: Bool { count == 0 }

    /// There must be room: whoever appends knows how much was appended before.
    package mutating func append(_ element: Element) {
        precondition(count < slots.count, "a ring holds no more than its capacity")
        let end = first + count
        slots[end < slots.count ? end : end - slots.count] = element
        count += 1
    }

    package mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[first]
        slots[first] = nil
        first = first + 1 == slots.count ? 0 : first + 1
        count -= 1
        return element
    }
}
