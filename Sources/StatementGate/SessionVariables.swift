/// What each variable of a session means for definitions, which the other nodes run again from their text, as their appliers' sessions.
///
/// Found by running a corpus of definitions under other values of every variable on a master and a replica; a test fails where a server has a session
/// variable that is not here.
package enum SessionVariables {
    package enum Effect: Hashable, Sendable {
        /// Nothing that is stored depends on it.
        case harmless
        /// The binlog carries it along with each statement.
        case carried
        /// The appliers' sessions have it so that they take whatever the master took.
        case tolerated
        /// A definition of these kinds could come out otherwise elsewhere: none runs while the session's value differs from the server's.
        case shapes(DefinitionKinds)
        /// The node sets it back: under it the server loses rows.
        case overruled
        /// Clients can't set it.
        case closed
    }

    /// Nil for a variable that is not known.
    package static func effect(of name: String) -> Effect? {
        if let kinds = shaping[name] { return .shapes(kinds) }
        if name == uniqueChecks { return .overruled }
        if tolerated.contains(name) { return .tolerated }
        if SystemVariable.isNodeOwned(name) { return .closed }
        if carried.contains(name) { return .carried }
        return harmless.contains(name) ? .harmless : nil
    }

    /// The kinds of definition that the variable shapes.
    package static func kinds(shapedBy name: String) -> DefinitionKinds { shaping[name] ?? [] }

    /// What a session's connection has to tell changes of.
    package static let watched: [String] = (shaping.keys + [uniqueChecks]).sorted()

    /// With foreign key checks off besides, InnoDB fills an empty table by sorting rows in memory, and loses those of statements that end with a
    /// duplicate, or pass over one: on the master, and not from the binlog.
    package static let uniqueChecks = "unique_checks"

    /// What a CREATE TABLE without ENGINE takes, under both of its names.
    package static let engines: Set<String> = ["default_storage_engine", "storage_engine"]

    /// For the appliers' sessions: what the master let pass, they let pass.
    package static let forAppliers = "SET SESSION innodb_strict_mode=0, max_heap_table_size=4294967295"

    private static let tolerated: Set<String> = ["innodb_strict_mode", "max_heap_table_size"]

    private static let tables = DefinitionKinds.create.union(.alter)

    private static let shaping: [String: DefinitionKinds] = [
        "default_storage_engine": .createWithoutEngine, "storage_engine": .createWithoutEngine, "enforce_storage_engine": tables,
        "innodb_compression_default": tables, "innodb_default_encryption_key_id": tables,
        "innodb_ft_enable_stopword": tables, "innodb_ft_user_stopword_table": tables,
        "div_precision_increment": .alter, "default_week_format": .alter, "default_regex_flags": .alter,
        "alter_algorithm": .alter, "old_alter_table": .alter, "insert_id": .alter,
        "use_stat_tables": .analyze, "histogram_size": .analyze, "histogram_type": .analyze, "analyze_sample_percentage": .analyze,
        "analyze_max_length": .analyze, "max_session_mem_used": .analyze,
        "old_passwords": .accounts,
    ].mapValues { $0.union(.hidden) }

    /// For the documentation.
    static var shapingRows: [(name: String, shapes: String)] {
        shaping.keys.sorted().map { name in
            var kinds = kinds(shapedBy: name)
            if kinds.contains(.createWithEngine) { kinds.remove(.createWithoutEngine) }
            let shapes = kindWords.filter { !kinds.isDisjoint(with: $0.0) }.map(\.1)
            return (name, shapes.joined(separator: ", "))
        }
    }

    private static let kindWords: [(DefinitionKinds, String)] = [
        (.createWithEngine, "`CREATE TABLE`"), (.createWithoutEngine, "`CREATE TABLE` without `ENGINE`"),
        (.alter, "`ALTER TABLE`, `CREATE INDEX`, `DROP INDEX`, `OPTIMIZE`, `REPAIR`"), (.analyze, "`ANALYZE TABLE`"),
        (.accounts, "accounts and roles"),
    ]

    private static let carried = words(
        """
        auto_increment_increment auto_increment_offset autocommit character_set_client character_set_connection character_set_database \
        character_set_server check_constraint_checks collation_connection collation_database collation_server character_set_collations \
        explicit_defaults_for_timestamp foreign_key_checks lc_time_names sql_auto_is_null sql_if_exists sql_mode time_zone \
        timestamp
        """)

    private static let harmless = words(
        """
        aria_repair_threads aria_sort_buffer_size aria_stats_method big_tables bulk_insert_buffer_size character_set_filesystem \
        character_set_results column_compression_threshold column_compression_zlib_level column_compression_zlib_strategy \
        column_compression_zlib_wrap completion_type deadlock_search_depth_long deadlock_search_depth_short deadlock_timeout_long \
        deadlock_timeout_short default_tmp_storage_engine eq_range_index_dive_limit error_count expensive_subquery_limit external_user \
        group_concat_max_len identity idle_readonly_transaction_timeout idle_transaction_timeout idle_write_transaction_timeout \
        in_predicate_conversion_threshold in_transaction innodb_lock_wait_timeout innodb_snapshot_isolation innodb_table_locks \
        interactive_timeout join_buffer_size join_buffer_space_limit join_cache_level keep_files_on_create last_gtid last_insert_id \
        lc_messages lock_wait_timeout log_disabled_statements log_queries_not_using_indexes log_slow_admin_statements \
        log_slow_disabled_statements log_slow_filter log_slow_max_warnings log_slow_min_examined_row_limit log_slow_query \
        log_slow_query_time log_slow_rate_limit log_slow_slave_statements log_slow_verbosity log_warnings long_query_time \
        low_priority_updates max_allowed_packet max_delayed_threads max_error_count max_insert_delayed_threads max_join_size \
        max_length_for_sort_data max_recursive_iterations max_relay_log_size max_rowid_filter_size max_seeks_for_key max_sort_length \
        max_sp_recursion_depth max_statement_time max_tmp_tables max_user_connections min_examined_row_limit mrr_buffer_size \
        myisam_repair_threads myisam_sort_buffer_size myisam_stats_method net_buffer_length net_read_timeout net_retry_count \
        net_write_timeout note_verbosity old old_mode optimizer_adjust_secondary_key_costs optimizer_disk_read_cost optimizer_disk_read_ratio optimizer_disk_setup_cost \
        optimizer_extra_pruning_depth optimizer_index_block_copy_cost optimizer_join_limit_pref_ratio optimizer_key_compare_cost \
        optimizer_key_copy_cost optimizer_key_lookup_cost optimizer_key_next_find_cost optimizer_max_sel_arg_weight optimizer_max_sel_args \
        optimizer_prune_level optimizer_rowid_compare_cost optimizer_rowid_copy_cost optimizer_row_copy_cost optimizer_row_lookup_cost \
        optimizer_row_next_find_cost optimizer_scan_setup_cost optimizer_search_depth optimizer_selectivity_sampling_limit optimizer_switch \
        optimizer_trace optimizer_trace_max_mem_size optimizer_use_condition_selectivity optimizer_where_cost preload_buffer_size profiling \
        profiling_history_size progress_report_time proxy_user query_alloc_block_size query_cache_strip_comments query_cache_type \
        query_cache_wlock_invalidate query_prealloc_size rand_seed1 rand_seed2 range_alloc_block_size read_buffer_size read_rnd_buffer_size \
        rowid_merge_buff_size slow_query_log sort_buffer_size sql_big_selects sql_buffer_result sql_log_off sql_notes sql_quote_show_create \
        sql_safe_updates sql_select_limit sql_warnings standard_compliant_cte system_versioning_alter_history system_versioning_asof system_versioning_insert_history tcp_nodelay thread_pool_priority tmp_disk_table_size \
        tmp_memory_table_size tmp_table_size transaction_alloc_block_size transaction_isolation transaction_prealloc_size tx_isolation \
        updatable_views_with_limit wait_timeout warning_count
        """)

    private static func words(_ text: String) -> Set<String> { Set(text.split { $0 == " " || $0 == "\n" }.map(String.init)) }

    /// Variables of the whole server that shape definitions there, and not on the other nodes; a session has none of its own.
    package static let shapingOfServer = words(
        """
        aria_page_checksum innodb_default_row_format innodb_file_per_table innodb_compression_algorithm innodb_encrypt_tables \
        innodb_force_primary_key innodb_ft_server_stopword_table innodb_read_only_compressed innodb_stats_persistent \
        mysql56_temporal_format automatic_sp_privileges default_password_lifetime strict_password_validation
        """)
}
