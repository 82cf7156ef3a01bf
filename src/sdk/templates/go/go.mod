module example.com/sandpool-notes

go 1.24
