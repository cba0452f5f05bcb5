/// Lays a result set out in aligned columns.
///
/// The widths come from the first rows, of which it holds at most `rowsMax` or `bytesMax`; a later value that is wider pushes its line out.
struct TableRenderer {
    static let rowsMax = 1000
    static let bytesMax = 8 << 20
    /// Longer values are cut, so that one of a megabyte doesn't make every line that long.
    static let valueWidthMax = 512

    /// Some value was cut.
    private(set) var hasCut = false

    private let names: [DisplayText]
    private var held: [[Cell]] = []
    private var heldBytes = 0
    /// Known once the head is printed.
    private var layout: [Layout]?

    private struct Cell {
        let text: DisplayText
        let isNumber: Bool
        let isNull: Bool
    }

    private struct Layout {
        var width: Int
        var isRight: Bool
    }

    init(columns: [[UInt8]]) { names = columns.map { DisplayText($0, widthMax: Self.valueWidthMax) } }

    mutating func add(_ row: [[UInt8]?], to out: Output) {
        let cells = row.map { cell($0) }
        guard layout == nil else { return line(of: cells, to: out) }
        held.append(cells)
        heldBytes += cells.reduce(0) { $0 + $1.text.bytes.count }
        if held.count >= Self.rowsMax || heldBytes >= Self.bytesMax { printHeld(to: out) }
    }

    mutating func finish(to out: Output) {
        if layout == nil { printHeld(to: out) }
        rule(to: out)
    }

    private mutating func cell(_ value: [UInt8]?) -> Cell {
        guard let value else { return Cell(text: DisplayText("NULL".utf8), isNumber: false, isNull: true) }
        let text = DisplayText(value, widthMax: Self.valueWidthMax)
        hasCut = hasCut || text.isCut
        return Cell(text: text, isNumber: value.looksLikeNumber, isNull: false)
    }

    private mutating func printHeld(to out: Output) {
        layout = names.indices.map { column in
            let cells = held.lazy.compactMap { column < $0.count ? $0[column] : nil }
            let width = cells.reduce(names[column].width) { max($0, $1.text.width) }
            let values = cells.filter { !$0.isNull }
            return Layout(width: width, isRight: !values.isEmpty && values.allSatisfy(\.isNumber))
        }
        rule(to: out)
        line(of: names.map { Cell(text: $0, isNumber: false, isNull: false) }, isHead: true, to: out)
        rule(to: out)
        for cells in held { line(of: cells, to: out) }
        held = []
    }

    private func line(of cells: [Cell], isHead: Bool = false, to out: Output) {
        for (cell, layout) in zip(cells, layout ?? []) {
            let padding = [UInt8](repeating: 0x20, count: max(0, layout.width - cell.text.width))
            let isRight = layout.isRight && !isHead
            out.write("| ")
            if isRight { out.write(padding) }
            out.write(cell.text.bytes)
            if !isRight { out.write(padding) }
            out.write(" ")
        }
        out.write("|\n")
    }

    private func rule(to out: Output) {
        for column in layout ?? [] { out.write("+" + String(repeating: "-", count: column.width + 2)) }
        out.write("+\n")
    }
}

extension [UInt8] {
    /// Digits with a sign, a point and an exponent where numbers have them.
    fileprivate var looksLikeNumber: Bool {
        guard count <= 80, let first, first == 0x2D || (0x30...0x39).contains(first), let last, (0x30...0x39).contains(last) else { return false }
        return Double(String(decoding: self, as: UTF8.self)) != nil
    }
}
