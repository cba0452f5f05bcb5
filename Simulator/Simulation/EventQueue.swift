/// Events by time; those of one time in the order in which they were put in. A binary heap.
struct EventQueue<Event> {
    private struct Item {
        let timeUs: Int
        let order: Int
        let event: Event

        static func < (a: Item, b: Item) -> Bool { (a.timeUs, a.order) < (b.timeUs, b.order) }
    }

    private var items: [Item] = []
    private var order = 0

    mutating func put(_ event: Event, atUs timeUs: Int) {
        order += 1
        items.append(Item(timeUs: timeUs, order: order, event: event))
        var child = items.count - 1
        while child > 0, items[child] < items[(child - 1) / 2] {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func take() -> (timeUs: Int, event: Event)? {
        guard let first = items.first else { return nil }
        let last = items.removeLast()
        if !items.isEmpty {
            items[0] = last
            sink()
        }
        return (first.timeUs, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[least] { least = child }
            if least == parent { return }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
