import ClusterModel

/// Settings in the making: what was given, where, and what is wrong with it so far.
struct SettingsDraft {
    /// Where a key was given.
    private enum Origin {
        case file(Place)
        case flag(String)
    }

    /// The file's name, for the problems.
    let source: String?
    var settings = NodeSettings()
    private(set) var problems: [Problem] = []
    private var origins: [String: Origin] = [:]
    private var refused: Set<String> = []
    /// False when the file could not be read to its end: then nothing can be said of what is missing.
    private(set) var isWhole = true

    init(source: String?) { self.source = source }

    /// True when the file or a flag gives `path` a value, right or wrong.
    func isGiven(_ path: String) -> Bool { origins[path] != nil }

    /// True when nothing is wrong with `path` by itself: its value is right, or its default stands.
    func isSound(_ path: String) -> Bool { !refused.contains(path) }

    /// Notes what is wrong with `path`, where it was given.
    mutating func refuse(_ path: String, _ message: String) {
        refused.insert(path)
        problems.append(problem(path, message))
    }

    mutating func warn(_ path: String, _ message: String) { settings.warnings.append(problem(path, message).description) }

    private func problem(_ path: String, _ message: String) -> Problem {
        switch origins[path] {
        case .file(let place): Problem(source: source, place: place, key: path, message: message)
        case .flag(let name): Problem(key: name, message: message)
        case nil: Problem(key: path, message: message)
        }
    }

    /// Notes that the file can't be read at all.
    mutating func refuseFile(_ message: String) {
        isWhole = false
        problems.append(Problem(source: source, message: message))
    }
}

// MARK: Taking the file and the flags

extension SettingsDraft {
    mutating func take(file bytes: [UInt8]) {
        let (document, faults) = JSONReader.read(bytes)
        problems += faults.map { Problem(source: source, place: $0.place, message: $0.message) }
        isWhole = document != nil
        guard let document else { return }
        guard case .object(let members) = document.content else {
            return refuseFile("must be a JSON object, is \(document.content.shown)")
        }
        for member in members { take(member) }
    }

    private mutating func take(_ member: JSONMember) {
        guard Self.sections.contains(member.name) else { return take(member, path: member.name, isTop: true) }
        switch member.value.content {
        case .null:
            return
        case .object(let members):
            for inner in members { take(inner, path: "\(member.name).\(inner.name)", isTop: false) }
        case .bool, .number, .string, .array:
            isWhole = false
            let message = "must be an object, is \(member.value.content.shown)"
            problems.append(Problem(source: source, place: member.value.place, key: member.name, message: message))
        }
    }

    private mutating func take(_ member: JSONMember, path: String, isTop: Bool) {
        guard let key = Self.keys[path], isTop != path.contains(".") else {
            problems.append(Problem(source: source, place: member.place, key: printable(path), message: unknown(path, isTop: isTop)))
            return
        }
        guard !member.value.content.isNull else { return }
        origins[path] = .file(member.value.place)
        for fault in key.decode(member.value, &settings) {
            refused.insert(path)
            let name = ([path] + (fault.part.map { [printable($0)] } ?? [])).joined(separator: ".")
            problems.append(Problem(source: source, place: fault.place, key: name, message: fault.message))
        }
    }

    private func unknown(_ path: String, isTop: Bool) -> String {
        if isTop, Self.keys[path] != nil { return "unknown key; a dot stands for a section: {\"limits\": {\"idleMs\": 0}}" }
        // A suggestion takes a while: none where so much is wrong that it isn't even listed.
        let near =
            problems.count < ConfigProblems.listedMax ? suggestion(for: path, among: SettingKey.all.map(\.path) + (isTop ? Self.sections : [])) : nil
        return near.map { "unknown key; did you mean \"\($0)\"?" } ?? "unknown key; Docs/Configuration.md lists them all"
    }

    mutating func take(_ flags: Flags) {
        for key in SettingKey.all {
            guard let flag = key.flag, let text = flags[keyPath: flag.text] else { continue }
            origins[key.path] = .flag(flag.name)
            refused.remove(key.path)
            let content: JSONValue.Content = key.readsNumbers && Int(text) != nil ? .number(text) : .string(text)
            for fault in key.decode(JSONValue(content: content, place: Place(line: 1, column: 1)), &settings) { refuse(key.path, fault.message) }
        }
    }

    private static let keys = Dictionary(uniqueKeysWithValues: SettingKey.all.map { ($0.path, $0) })

    private static let sections = Set(SettingKey.all.compactMap { $0.path.firstIndex(of: ".").map($0.path.prefix(upTo:)).map(String.init) }).sorted()
}

/// A key of the file as it may be shown: as it is when it is a plain word, else in quotes.
private func printable(_ name: String) -> String {
    let isPlain = name.utf8.count <= 80 && name.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 0x20 && $0.value != 0x7F }
    return isPlain ? name : quoted(name)
}
