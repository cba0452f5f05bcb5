/// One key of `node.json`: its place in the settings, what it may hold, and what it means.
///
/// Reading, checking, the defaults in words, the reload rule, `check-config` and the table of the documentation all come from
/// the one list, `SettingKey.all`.
package struct SettingKey: Sendable {
    /// `limits.lineBytes`; sections are one level deep.
    package let path: String
    /// What the value must be, in words.
    package let values: String
    /// What holds when the key is not given, in words.
    package let fallback: String
    /// True when SIGHUP is enough for a new value, false when it takes a restart.
    package let isReloadable: Bool
    /// What it does, as a sentence.
    package let meaning: String
    /// The flag that wins over the file.
    let flag: FlagName?

    /// Puts a value of the file into the settings; a number for the flags that take one.
    let decode: @Sendable (JSONValue, inout NodeSettings) -> [Fault]
    let readsNumbers: Bool
    /// The value in force, in words; never a secret.
    package let shown: @Sendable (NodeSettings) -> String
    let isEqual: @Sendable (NodeSettings, NodeSettings) -> Bool
    let copy: @Sendable (NodeSettings, inout NodeSettings) -> Void

    /// A flag, and where its text is found.
    struct FlagName: Sendable {
        let name: String
        let text: any KeyPath<Flags, String?> & Sendable

        init(_ name: String, _ text: any KeyPath<Flags, String?> & Sendable) {
            self.name = name
            self.text = text
        }
    }

    /// What is wrong with a value, or with the part of it that `part` names.
    struct Fault {
        var part: String?
        let place: Place
        let message: String
    }

    /// `fallback` says in words what the default is where the value itself doesn't.
    init<Value>(
        _ path: String, _ member: any WritableKeyPath<NodeSettings, Value> & Sendable, _ form: ValueForm<Value>, reloadable: Bool = false,
        flag: FlagName? = nil, fallback: String? = nil, _ meaning: String
    ) {
        let unset = fallback ?? form.write(NodeSettings()[keyPath: member]) ?? "none"
        self.path = path
        self.values = form.words
        self.fallback = unset
        self.isReloadable = reloadable
        self.meaning = meaning
        self.flag = flag
        self.readsNumbers = form.readsNumbers
        self.decode = { json, settings in
            switch form.read(json) {
            case .value(let value):
                settings[keyPath: member] = value
                return []
            case .mismatch:
                return [Fault(place: json.place, message: "must be \(form.words), is \(json.content.shown)")]
            case .faults(let faults):
                return faults.map { Fault(part: $0.name, place: $0.place, message: $0.message) }
            }
        }
        self.shown = { form.write($0[keyPath: member]) ?? unset }
        self.isEqual = { $0[keyPath: member] == $1[keyPath: member] }
        self.copy = { $1[keyPath: member] = $0[keyPath: member] }
    }
}

extension NodeSettings {
    /// The keys whose values differ: those a reload puts in force, and those that keep their old value until a restart.
    package static func reloadable(from old: NodeSettings, to new: NodeSettings) -> (changed: [String], fixed: [String]) {
        let differing = SettingKey.all.filter { !$0.isEqual(old, new) }
        return (differing.filter(\.isReloadable).map(\.path), differing.filter { !$0.isReloadable }.map(\.path))
    }

    /// Puts in force what a reload can change.
    package mutating func reload(from new: NodeSettings) { for key in SettingKey.all where key.isReloadable { key.copy(new, &self) } }

    /// Every key and the value in force, a line each, for people. Secrets are hidden.
    package var summary: String {
        let width = SettingKey.all.map(\.path.count).max() ?? 0
        return SettingKey.all.map { key in
            key.path + String(repeating: " ", count: width + 2 - key.path.count) + key.shown(self)
        }.joined(separator: "\n")
    }
}
