func.func @main() { func.return } // ÿþ
