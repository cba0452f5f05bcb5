import ClusterModel

@testable import NodeConfig

/// Reads `text` as the file `node.json`, with the flags that `set` sets.
func load(_ text: String? = nil, isOpenToOthers: Bool = false, _ set: (inout Flags) -> Void = { _ in }) -> Result<NodeSettings, ConfigProblems> {
    var flags = Flags()
    set(&flags)
    let source = text == nil ? nil : "node.json"
    return NodeSettings.load(bytes: text.map { Array($0.utf8) }, source: source, isOpenToOthers: isOpenToOthers, flags: flags)
}

/// What is wrong with `text`, a line each.
func problems(_ text: String? = nil, _ set: (inout Flags) -> Void = { _ in }) -> [String] {
    switch load(text, set) {
    case .success: []
    case .failure(let problems): problems.problems.map(\.description)
    }
}

/// What is wrong with a master whose file holds `members` as well.
func masterProblems(_ members: String) -> [String] { problems("{\"role\": \"master\", \(members)}") }
