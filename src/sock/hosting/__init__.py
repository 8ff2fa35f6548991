"""What every host does alike: asks the application, accepts or refuses, keeps and drains."""
