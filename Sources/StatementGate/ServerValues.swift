/// What the server's sessions begin with of the variables that shape definitions: by name in lower case, as the server spells them.
package struct ServerValues: Sendable, Hashable {
    private var values: [String: String]

    package init(_ values: [String: String] = [:]) { self.values = values.mapValues(Self.canonical) }

    /// Whether a session with this value has another than it began with; nil stands for a value that is not written out.
    package func differs(_ name: String, _ value: String?) -> Bool {
        guard let value else { return true }
        return value.lowercased() != "default" && values[name] != Self.canonical(value)
    }

    private static func canonical(_ value: String) -> String {
        switch value.lowercased() {
        case "on", "true", "yes", "1": "1"
        case "off", "false", "no", "0": "0"
        default: value.lowercased()
        }
    }
}
